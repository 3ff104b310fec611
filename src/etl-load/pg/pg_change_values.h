/* Values of a change of --mode cdc that only the staging table has: the
 * operation and the old key.
 * Borrows: the reader, which has just matched the record. */
#ifndef LOAD_PG_CHANGE_VALUES_H
#define LOAD_PG_CHANGE_VALUES_H

#include "table/record.h"

/* Appends the operation and the old key in COPY's text format. The old key is
 * NULL if the change does not change the key. */
void pg_put_change_values(
    struct buf *b, struct reader *r, struct buf *scratch);
/* Checks the old key of an update that changes the key. Returns 1: its columns
 * can store it as it is; 0: reject the record, *why says why; -1 with *e. */
int pg_reject_old_key(struct reader *r, struct buf *scratch, struct reject *why,
    struct err *e);

#endif
