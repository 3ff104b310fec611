/* The queries that compute the figures of --expect from the written rows. Each
 * function appends one query. `rows` is FROM table AS "etl.t" WHERE condition.
 * The database compares the values by its own rules. */
#ifndef LOAD_EXPECT_SQL_H
#define LOAD_EXPECT_SQL_H

#include "expect/expect.h"
#include "table/target.h"

/* Returns the number of rows, and of those with NULL in the column. */
void expect_put_null_query(struct buf *b, enum db_kind kind,
    const struct column *c, const char *rows);
/* Returns the number of values that come more than once. */
void expect_put_unique_query(struct buf *b, enum db_kind kind,
    const struct target *t, const size_t *columns, size_t n, const char *rows);
/* Returns the lowest or highest value as a text, and 1 if it compares as the
 * test says, else 0. For EXPECT_VALUE, $1 is the value of the test. */
void expect_put_extreme_query(struct buf *b, enum db_kind kind,
    const struct expectation *x, const struct column *c, const char *rows);

#endif
