/* Images of the rows that a load changes (--keep-before), on PostgreSQL. Before
 * the rows of a chunk are merged, the rows with their keys are copied as images
 * and the keys are noted; at the end the rows with these keys are read again.
 * A mode without a key notes the keys of the rows that it inserts. Each
 * function appends SQL to the buffer. */
#ifndef LOAD_PG_IMAGES_H
#define LOAD_PG_IMAGES_H

#include "pg/pg_sql.h"

/* Statements that note the keys of the rows "etl.t", and take the images of
 * these rows. put_where() appends the condition of the rows. The noted keys get
 * this number, which is above 0. */
void pg_images_put_note_keys(struct buf *b, const struct target *t,
    uint64_t number, void (*put_where)(struct buf *, const struct target *));
/* A statement that takes the images of rows "etl.t". The caller may append the
 * condition of the rows. */
void pg_images_put_take_images(struct buf *b, const struct target *t);

#endif
