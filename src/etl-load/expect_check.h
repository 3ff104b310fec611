/* Checks the tests of --expect (l->expect) in the transaction of the load.
 * Fails: ERR_LIMIT (exit code 1) if a test fails: the caller rolls back.
 *        ERR_CONFIG or ERR_USAGE if the test cannot be made with this table or
 *        this mode. */
#ifndef LOAD_EXPECT_CHECK_H
#define LOAD_EXPECT_CHECK_H

#include "loader.h"

/* Called before anything is read. */
int expect_check(struct loader *l, struct err *e);
/* Called in each transaction, before the first record is written. From now on
 * the sink notes the rows that it writes. */
int expect_start(struct loader *l, struct err *e);
/* Called when all records are written, before the COMMIT. */
int expect_judge(struct loader *l, struct err *e);

#endif
