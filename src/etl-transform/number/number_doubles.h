/* Used by numbers.c: gives each different number of a record its own double. If
 * several numbers round to one double, one of them keeps it: the first that jq
 * prints unchanged, if any. The others get the next doubles above. They are so
 * close that a computation in doubles has larger errors.
 * Gives: numbers_assign() sorts `order` by double and sets class. In rare cases
 *        two different numbers get one double: 1.00...01 may get that of
 *        1.0000000000000002. Then `mixed` is set, and numbers_put_at() returns
 *        false. */
#ifndef TRANSFORM_NUMBER_DOUBLES_H
#define TRANSFORM_NUMBER_DOUBLES_H

#include "number/numbers.h"

void numbers_assign(struct numbers *t);
int numbers_compare(
    double a, double b); /* -0 is less than 0 */
/* Finds the numbers of the record that the double d represents: order[*low] to
 * order[*high - 1]. Returns false if there are none. */
bool numbers_find(const struct numbers *t, double d, uint32_t *low,
    uint32_t *high);

#endif
