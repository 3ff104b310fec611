/* Inside numbers.c: every different number of a record gets a double of its
 * own.  Where several round to one, the first keeps it, the others take the
 * next free ones above it: off by less than a computation in doubles is.
 * Gives: order sorted by double, class set; where no double is free, two
 *        classes share one, and numbers_put() tells so. */
#ifndef TRANSFORM_NUMBER_DOUBLES_H
#define TRANSFORM_NUMBER_DOUBLES_H

#include "number/numbers.h"

void numbers_spread(struct numbers *t);
int numbers_compare(double a, double b);        /* -0 is before 0 */
const char *numbers_entry_text(const struct numbers *t,
    const struct number_entry *e);
bool numbers_named(const struct numbers *t, const struct number_entry *e,
    const struct number_place *at);

#endif
