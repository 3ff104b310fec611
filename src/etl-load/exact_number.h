/* Finds out whether a number that is written as text keeps its value in a
 * column with a scale or of a floating-point type. The text may be a number of
 * JSON or any text that a database reads as a number. */
#ifndef LOAD_EXACT_NUMBER_H
#define LOAD_EXACT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Multiplies the number by 10 to the power of `exponent`, and returns how many
 * digits after the decimal point the result needs. With the exponent 0: 2 for
 * 1.250, 0 for 7, -2 for 1500. Returns INT_MIN for 0 and for a text without
 * digits. Ignores characters that belong to no number, such as the $ of the
 * type money. */
int count_decimals(const char *p, size_t n, int exponent);
/* Returns false if the text is an integer, without a fraction or an exponent,
 * that a float of this many bits (24 or 53) cannot keep. A float keeps the
 * integer if it has exactly its value, or if it is printed with its digits. */
bool float_keeps_int(const char *p, size_t n, int bits);
/* Returns true if a float of this many bits is printed with the value of the
 * number, which is one of JSON. */
bool float_keeps_number(const char *p, size_t n, int bits);

#endif
