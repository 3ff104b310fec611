/* The queries that compute the figures of --expect (see enum expect_figure)
 * from the rows that the load has written. Each function appends one query. The
 * text `rows` selects these rows: FROM table AS "etl.t" WHERE condition. */
#ifndef LOAD_EXPECT_SQL_H
#define LOAD_EXPECT_SQL_H

#include "expect/expect.h"
#include "table/target.h"

/* The query returns how many rows there are, how many of them have NULL in the
 * column, and an empty text. */
void expect_put_null(struct buf *b, enum db_kind kind, const struct column *c,
    const char *rows);
/* The query returns how many different values occur more than once. */
void expect_put_unique(struct buf *b, enum db_kind kind, const struct target *t,
    const size_t *columns, size_t n, const char *rows);
/* The query returns the lowest or the highest value as a text, and 1 if the
 * test holds for this value, else 0. If x->unit is EXPECT_VALUE, the parameter
 * $1 is the value that the test compares with. The third column is typeof() of
 * the value on SQLite, and an empty text on PostgreSQL. If the test is about
 * times, a value of SQLite that is no time comes first, with NULL in place of 1
 * or 0. */
void expect_put_extreme(struct buf *b, enum db_kind kind,
    const struct expectation *x, const struct column *c, const char *rows);

#endif
