/* Used by numbers.c: finds the numbers of a record by double and member name.
 * Gives: number_names_find() searches the numbers order[low..high), which all
 *        have one double. It returns the first whose nearest member name is
 *        `name` (1 and 2 both have the name a in {"a": [1, 2]}), or NULL.
 *        Escapes are not decoded: a name that the record writes with an escape
 *        (\u0061) is another name.
 * Fails: t->nomem is set. */
#ifndef TRANSFORM_NUMBER_NAMES_H
#define TRANSFORM_NUMBER_NAMES_H

#include "number/numbers.h"

const struct number_entry *number_names_find(struct numbers *t, uint32_t low,
    uint32_t high, struct number_name *name);

#endif
