/* Numbers of JSON. Writing: the shortest decimal text that reads back as the
 * same double, in the form that libjq 1.6 prints (1e+17, 1.5e-07, 100000, -0).
 * Reading: exact.
 * Source: the form is that of jv_dtoa_fmt of jq 1.6, found by comparing
 *         outputs. */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_TEXT = 40 };

/* Writes without a NUL. As in jq, NaN is written as null and infinity as the
 * largest double. */
size_t number_put_shortest(char out[NUMBER_TEXT], double d);
/* Appends a number that always has a fraction or an exponent, such as 1.0, so
 * that a reader can distinguish it from an integer. Infinity is written as a
 * string. */
void number_put_real(struct buf *b, double d);
/* Converts a number token to the nearest double; fast for short integers. */
double number_to_double(const char *p, size_t n);
/* Converts a number token whose value is exactly an int64 (42, -7, 1e3, 5.0).
 * Returns false for any other number. */
bool number_to_int64(const char *p, size_t n, int64_t *v);
/* True if the number has no fraction (42, 5.0, 1e30), whatever its size. */
bool number_is_integer(const char *p, size_t n);
/* Returns true if two number tokens have the same exact value, such as 10 and
 * 1e1. */
bool number_equals(const char *a, size_t an, const char *b, size_t bn);
/* Appends a text that is the same for all spellings of one number: 10 and 1e1
 * both become 1e1. Different numbers get different texts. */
void number_put_normal(struct buf *b, const char *p, size_t n);
/* Appends the number in the form in which ECMAScript prints a double (10, 0.1,
 * 1e+21), but with all its digits, even if a double has fewer. So equal numbers
 * get equal texts, and different numbers different texts. Returns false if the
 * exponent has more than 18 digits; the text is then not exact. */
bool number_put_ecma(struct buf *b, const char *p, size_t n);
/* Compares two number tokens exactly: returns less than 0, 0 or greater than 0.
 * Exponents of more than 17 digits are not compared exactly. */
int number_compare(const char *a, size_t an, const char *b, size_t bn);

#endif
