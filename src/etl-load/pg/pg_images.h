/* Images of the rows that a load changes (--keep-before, --emit), on
 * PostgreSQL. Before a chunk is merged, its keys are noted in a temporary
 * table, and the rows of the target that have these keys are stored as images.
 * At the end of the batch the rows with the noted keys are read again: that
 * gives the images after the change. A mode without a key notes the keys of the
 * rows that it inserts. Each function appends SQL to the buffer. */
#ifndef LOAD_PG_IMAGES_H
#define LOAD_PG_IMAGES_H

#include "pg/pg_sql.h"

/* Statements that note the keys of some rows of the target, and store the
 * images of these rows. put_where() appends the condition that selects the
 * rows; it calls the target "etl.t". The noted keys get this number, which is
 * above 0. */
void pg_images_put_note_keys(struct buf *b, const struct target *t,
    uint64_t number, void (*put_where)(struct buf *, const struct target *));
/* A statement that stores the images of all rows of the target. The caller may
 * append WHERE and a condition, which calls the target "etl.t". */
void pg_images_put_take_images(struct buf *b, const struct target *t);

#endif
