/* The tests of --expect: what must hold for the rows that a load has written,
 * for example null(title)<5%. expect_phase (phase.h) makes them.
 * Owns:  the tests; expect_free() frees them.
 * Borrows: the texts of the options.
 * Fails: ERR_USAGE if a test cannot be read. */
#ifndef LOAD_EXPECT_H
#define LOAD_EXPECT_H

struct err;
struct expect;
struct opt_list;

/* Sets *x to the tests, or to NULL if there are none. */
int expect_parse(
    struct expect **x, const struct opt_list *tests, struct err *e);
void expect_free(struct expect *x);

#endif
