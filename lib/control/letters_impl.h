/* Declarations that only letters*.c share. */
#ifndef CONTROL_LETTERS_IMPL_H
#define CONTROL_LETTERS_IMPL_H

#include "base/buf.h"
#include "db/db.h"

/* Returns the row number of a run as a value, or NULL if it is 0 (no run). */
static inline struct db_value
run_row_or_null(int64_t run_row)
{
	return run_row == 0 ? db_text(NULL) : DB_I(run_row);
}

/* Reads the next part of a large record and appends it to `raw`, which holds
 * the parts before it. The statement `script` has the parameters v[0], v[1],
 * the position of the part's first byte (1 for the first byte of the record)
 * and the number of bytes. Returns 1; or 0 if the statement returns no row or
 * another number of bytes, because the record has changed. */
int letters_read_raw_part(struct db *db, enum sql_id script,
    const struct db_value v[2], struct buf *raw, size_t len, struct err *e);

#endif
