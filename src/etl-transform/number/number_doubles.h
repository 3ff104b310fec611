/* Used by numbers.c: gives each different number of a record its own double. If
 * several numbers round to one double, one of them keeps it (first one that jq
 * prints unchanged) and the others get the next free doubles above it. This
 * error is smaller than that of a computation in doubles.
 * Gives: numbers_assign_distinct_doubles() sorts `order` by double and sets
 *        class, which is the same for equal numbers. If no double is free,
 *        two classes share one; numbers_put_at_unless_ambiguous() then
 *        returns false. */
#ifndef TRANSFORM_NUMBER_DOUBLES_H
#define TRANSFORM_NUMBER_DOUBLES_H

#include "number/numbers.h"

void numbers_assign_distinct_doubles(struct numbers *t);
int numbers_compare_with_signed_zero(
    double a, double b); /* -0 is less than 0 */
const char *numbers_entry_text(const struct numbers *t,
    const struct number_entry *e);
bool numbers_entry_has_name(const struct numbers *t,
    const struct number_entry *e, const struct number_place *at);

#endif
