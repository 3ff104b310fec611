/* SQL for images. An image is a text that holds the values of a row: a JSON
 * array with a text for each value, and with null for an SQL NULL. (The value
 * JSON null is the text "null", so the two differ.) On PostgreSQL each text is
 * the value's output text. On SQLite its first letter is the type of the value
 * (db_add_image_sql()). Each function appends an SQL expression. */
#ifndef LOAD_IMAGE_SQL_H
#define LOAD_IMAGE_SQL_H

#include "base/buf.h"
#include "db/table.h"

/* The image of all columns of the row `from`, which is an SQL name. */
void image_put_row(struct buf *b, enum db_kind kind, const struct table *t,
    const char *from);
/* The image of n columns of the row `from`. */
void image_put_columns(struct buf *b, enum db_kind kind, const struct table *t,
    const size_t *columns, size_t n, const char *from);
/* ["id","title"]: the names of the table's columns as JSON. If `columns` is not
 * NULL, only those of its n columns. */
void image_put_names(struct buf *b, const struct table *t,
    const size_t *columns, size_t n);
/* Value number i of an image, with the type of the column. */
void image_put_value(struct buf *b, enum db_kind kind, const struct column *c,
    const char *image, size_t i);
/* A condition that is true if the row `from` has exactly the key of this image.
 * Columns that are equal but written differently, such as Anna and anna in a
 * citext column, are not the same key. */
void image_put_has_key(struct buf *b, enum db_kind kind, const struct table *t,
    const size_t *columns, size_t n, const char *from, const char *image);

#endif
