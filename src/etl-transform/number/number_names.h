/* Used by numbers.c: finds the numbers of a record by double and member name.
 * Gives: number_names_find() returns the first of the numbers order[low..high),
 *        which all have the double d, that is the value of a member `name` or
 *        is inside one; NULL if there is none. Escapes are not decoded: a name
 *        that the record writes with an escape (\u0061) is different.
 * Fails: t->nomem is set. */
#ifndef TRANSFORM_NUMBER_NAMES_H
#define TRANSFORM_NUMBER_NAMES_H

#include "number/numbers.h"

const struct number_entry *number_names_find(struct numbers *t, uint32_t low,
    uint32_t high, struct number_name *name);

#endif
