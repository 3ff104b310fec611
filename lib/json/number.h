/* Numbers: shortest decimal text that reads back as the same double, in the
 * form libjq 1.6 prints (1e+17, 1.5e-07, 100000, -0), and exact reading.
 * Source: for the form, jv_dtoa_fmt of jq 1.6, found by comparison. */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_TEXT = 40 };

/* Not terminated.  No number is null, infinity the largest double, as jq. */
size_t number_put(char out[NUMBER_TEXT], double d);
/* A number token as double (correctly rounded); fast for short integers. */
double number_double(const char *p, size_t n);
/* Exactly an int64 (42, -7, 1e3, 5.0): false where it is not. */
bool number_int(const char *p, size_t n, int64_t *v);
/* The two tokens are the same decimal number, whatever their spelling. */
bool number_same(const char *a, size_t an, const char *b, size_t bn);
/* Below 0, 0, above 0 as a is less than b, the same, more: exactly, but for
 * exponents of more than 17 digits. */
int number_compare(const char *a, size_t an, const char *b, size_t bn);

#endif
