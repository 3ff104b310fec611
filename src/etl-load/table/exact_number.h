/* Finds out whether a number that is written as text keeps its value in a
 * column with a scale or of a floating-point type. The text may be a number of
 * JSON or any text that a database reads as a number. */
#ifndef LOAD_EXACT_NUMBER_H
#define LOAD_EXACT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Returns how many digits after the point the number needs: 2 for 1.250, 0 for
 * 7, -2 for 1500; INT_MIN for 0, and for a text without digits. The number is
 * multiplied by 10 to the power of `exponent` first. Characters that belong to
 * no number, such as the $ of money, are ignored. */
int count_decimals(const char *p, size_t n, int exponent);
/* Returns false if the text is an integer, without a fraction or an exponent,
 * that a float of this many bits (24 or 53) does not keep: it neither has
 * exactly this value nor is it printed with this value. */
bool float_keeps_integer(const char *p, size_t n, int bits);

#endif
