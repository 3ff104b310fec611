/* SQL for images: texts that hold the values of a row. An image is a JSON array
 * with a text for each value, or null for NULL, so SQL NULL and JSON null are
 * told apart. On PostgreSQL the text is that of the column's type. On SQLite
 * its first character says which type the value has (db_add_image_functions()).
 * Each function appends an expression to the buffer. */
#ifndef LOAD_IMAGE_SQL_H
#define LOAD_IMAGE_SQL_H

#include "base/buf.h"
#include "db/table.h"

/* The image of all columns of the row `from`. */
void image_put_row(struct buf *b, enum db_kind kind, const struct table *t,
    const char *from);
/* The image of some of its columns. */
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
