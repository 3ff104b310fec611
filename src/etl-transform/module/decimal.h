/* The text of a number in its parts: for to_int and to_number.
 * Borrows: the text.
 * Gives:   decimal_put_integer() appends nothing and returns false if the
 *          number is not an integer or has more than DECIMAL_DIGITS_MAX digits.
 *          The other comments are in decimal.c. */
#ifndef TRANSFORM_DECIMAL_H
#define TRANSFORM_DECIMAL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { DECIMAL_DIGITS_MAX = 1000 };

/* The parts of a number: its sign, the digits before and after the dot, and the
 * exponent of 10. */
struct decimal {
	bool minus;
	const char *whole, *fraction;
	size_t wholes, fractions;       /* how many digits */
	long exponent;
};

bool decimal_parse(struct decimal *d, const char *p, size_t n);
void decimal_put_json(const struct decimal *d, const char *end_of_text,
    struct buf *b);
bool decimal_put_integer(const struct decimal *d, struct buf *b);

#endif
