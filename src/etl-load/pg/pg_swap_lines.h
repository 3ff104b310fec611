/* Makes one text of the rows of a query.
 * Gives: pg_swap_query_lines() runs the query and sets *b to the first column
 *        of its rows, with `between` after each row but the last. b ends with a
 *        NUL that b->len does not count. */
#ifndef LOAD_PG_SWAP_LINES_H
#define LOAD_PG_SWAP_LINES_H

#include "base/buf.h"
#include "db/db.h"

int pg_swap_query_lines(struct db *db, struct buf *b, enum sql_id id,
    const struct db_value *v, size_t n, const char *between, struct err *e);

#endif
