/* The tests of --expect: what must hold for the rows that a load has written,
 * for example null(title)<5%.
 * Owns:  the tests; expect_release() frees them.
 * Borrows: the texts of the options.
 * Fails: ERR_USAGE if a test cannot be read. */
#ifndef LOAD_EXPECT_H
#define LOAD_EXPECT_H

#include "load.h"

enum expect_figure {
	EXPECT_ROWS, EXPECT_REJECTED, EXPECT_NULL, EXPECT_UNIQUE, EXPECT_MIN,
	EXPECT_MAX
};

enum expect_unit {
	EXPECT_NUMBER,          /* rows>=100 */
	EXPECT_PERCENT,         /* rejected<1% */
	EXPECT_USUAL,           /* rows>=0.5*usual */
	EXPECT_NOW,             /* max(at)>=now-1d */
	EXPECT_VALUE            /* max(id)<1000 */
};

struct expectation {
	const char *text;       /* as the user wrote it */
	enum expect_figure figure;
	const char *operator;   /* of SQL: = <> < <= > >= */
	enum expect_unit unit;
	double number;
	int64_t offset;         /* EXPECT_NOW: milliseconds that are added */
	char *columns;          /* in the parentheses; NULL: none */
	char *value;            /* EXPECT_VALUE */
};

struct expect {
	struct expectation *v;
	size_t n;
	bool columns;           /* at least one test is about columns */
};

int expect_parse(
    struct expect *x, const struct opt_list *tests, struct err *e);
void expect_release(struct expect *x);

#endif
