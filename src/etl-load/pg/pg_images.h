/* Copies of the rows that a load changes, called images (--keep-before,
 * --emit), on PostgreSQL. Before a chunk is merged, its keys are noted in a
 * temporary table, and the rows of the target with these keys are stored as
 * images. At the end of the batch the rows with the noted keys are read again:
 * these are the images after the change. A mode without a key notes the keys of
 * the rows that it inserts. Each function appends SQL to the buffer. */
#ifndef LOAD_PG_IMAGES_H
#define LOAD_PG_IMAGES_H

#include "pg/pg_sql.h"

/* Appends statements that note the keys of some rows of the target, and store
 * the images of these rows. put_where() appends the condition that selects the
 * rows, which it calls "etl.t". `number` must be above 0. It marks these keys,
 * so that images of rows noted before are not stored again. */
void pg_images_put_where(struct buf *b, const struct target *t, uint64_t number,
    void (*put_where)(struct buf *, const struct target *));
/* Appends a statement that stores the images of all rows of the target. The
 * caller may append WHERE and a condition on the row, which is called
 * "etl.t". */
void pg_images_put_old(struct buf *b, const struct target *t);

#endif
