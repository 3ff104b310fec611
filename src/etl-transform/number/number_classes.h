/* Used by number_doubles.c: finds equal numbers, such as 1 and 1.0, among
 * numbers that round to one double.
 * Gives: numbers_set_classes() sets `class` of each number in order[from..to)
 *        to the index of the first number that is equal to it. It returns how
 *        many different numbers there are. */
#ifndef TRANSFORM_NUMBER_CLASSES_H
#define TRANSFORM_NUMBER_CLASSES_H

#include "number/numbers.h"

/* Sets the class of the numbers order[from..to). Returns how many different
 * numbers they are. */
uint32_t numbers_set_classes(struct numbers *t, uint32_t from, uint32_t to);

#endif
