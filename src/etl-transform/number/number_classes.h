/* Used by number_doubles.c: finds the equal numbers among numbers that round
 * to one double.
 * Gives: numbers_set_classes() sets `class` of the numbers order[from..to) to
 *        the index of the first of them that is equal, and returns how many
 *        different numbers there are. */
#ifndef TRANSFORM_NUMBER_CLASSES_H
#define TRANSFORM_NUMBER_CLASSES_H

#include "number/numbers.h"

uint32_t numbers_set_classes(struct numbers *t, uint32_t from, uint32_t to);

#endif
