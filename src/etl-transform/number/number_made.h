/* Used by numbers.c: the numbers that functions of the module etl made.
 * Gives: number_made_add() returns the double of a number: if an equal number
 *        has a double, the same; otherwise the first free double from d on. It
 *        searches upwards, or downwards if d is +infinity. If none is free, the
 *        number shares infinity, and `mixed` is set.
 * Fails: t->nomem is set. */
#ifndef TRANSFORM_NUMBER_MADE_H
#define TRANSFORM_NUMBER_MADE_H

#include "number/numbers.h"

struct made_text {
	uint32_t at, len;       /* in made.text; len 0: none */
};

/* A double that a made number has, or that a search for a free double has
 * passed. If several made numbers have this double, they are spellings of one
 * number. */
struct made_number {
	double d;
	double next[2];         /* where a search upwards, and downwards,
				 * continues; NaN: none has passed */
	struct made_text first, canonical;
	struct made_text instead;       /* of a number that was added with
					 * replaces_equal_in_output */
	bool known;             /* its number is in by_value */
	bool mixed;             /* a different number has this double, too */
};

double number_made_add(struct numbers *t, double d, bool canonical,
    bool replaces_equal_in_output, const char *p, size_t n);
/* Returns NULL if no made number has the double d. */
const struct made_number *number_made_find(const struct numbers *t, double d);
void number_made_clear(struct numbers *t);

#endif
