/* SQL for images. An image is a text that holds the values of a row: a JSON
 * array with a text for each value, and with null for an SQL NULL. (The value
 * JSON null is the text "null", so the two differ.) On PostgreSQL each text is
 * the value's output text. On SQLite its first letter is the type of the value
 * (db_add_image_sql()). Each function appends an SQL expression. */
#ifndef LOAD_IMAGES_H
#define LOAD_IMAGES_H

#include "base/buf.h"
#include "db/table.h"

struct loader;

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

/* --keep-before: stores images of the rows that each batch changes in the
 * control tables etl_before and etl_before_runs, in the transaction of the
 * batch. etl-load --undo reads them (undo.h). --emit needs the images too,
 * but stores none. */

/* Called after the load: deletes the images of all but the last --keep-runs
 * runs. A failure is only a warning, because the load is committed. */
void keep_before_prune(struct loader *l);
/* Returns the name of the run for --undo: $ETL_RUN if it is set; otherwise the
 * id of the stream or, if the input is plain, a random id. */
const char *keep_before_get_run(const struct loader *l);

#endif
