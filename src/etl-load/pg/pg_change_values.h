/* The values that the staging table needs of a change of --mode cdc, besides
 * those of its row: the operation and the old key.
 * Borrows: the reader, which has just matched the record. */
#ifndef LOAD_PG_CHANGE_VALUES_H
#define LOAD_PG_CHANGE_VALUES_H

#include "table/record.h"

/* Appends the operation and the old key, or NULLs, as COPY reads them. */
void pg_put_change_values(
    struct buf *b, struct reader *r, struct buf *scratch);
/* Rejects the record if a column would change a value of its old key. Returns
 * 1: it is good; 0: reject it; -1 with *e. */
int pg_reject_changed_old_key(struct reader *r, struct buf *scratch,
    struct reject *why, struct err *e);

#endif
