#include "exact_number.h"

#include "json/number.h"

#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPONENT_MAX = 1000000 };

/* Reads an exponent such as e-3 at p; returns 0 if there is none. */
static int
read_exponent(const char *p, const char *end)
{
	bool negative;
	int value = 0;

	if (p == end || (*p != 'e' && *p != 'E'))
		return 0;
	p++;
	negative = p < end && *p == '-';
	p += p < end && (*p == '-' || *p == '+');
	for (; p < end && isdigit((unsigned char)*p); p++)
		if (value < EXPONENT_MAX)
			value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

int
count_decimals(const char *p, size_t n, int exponent)
{
	const char *end = p + n;
	int digits = 0, before_point = -1, last_nonzero = 0;

	for (; p < end && digits < INT_MAX / 2; p++) {
		if (isdigit((unsigned char)*p)) {
			digits++;
			if (*p != '0')
				last_nonzero = digits;
		} else if (*p == '.' && before_point == -1) {
			before_point = digits;
		} else if (digits > 0 && (*p == 'e' || *p == 'E')) {
			break;
		}
	}
	if (last_nonzero == 0)
		return INT_MIN;
	if (before_point == -1)
		before_point = digits;
	return last_nonzero - before_point - read_exponent(p, end) - exponent;
}

/* Removes blanks, the sign and leading zeros. Returns false if the rest is not
 * only digits. */
static bool
cut_to_digits(const char **p, size_t *n)
{
	static const char blank[] = " \t\n\v\f\r";
	const char *from = *p, *end = *p + *n;

	while (end > from && strchr(blank, end[-1]) != NULL)
		end--;
	while (from < end && strchr(blank, *from) != NULL)
		from++;
	if (from < end && (*from == '-' || *from == '+'))
		from++;
	while (from < end && *from == '0')
		from++;
	*p = from;
	*n = (size_t)(end - from);
	for (; from < end; from++)
		if (!isdigit((unsigned char)*from))
			return false;
	return true;
}

/* Writes the float with the fewest digits that read back as the same float. */
static void
print_shortest(char *out, size_t size, double d, int bits)
{
	for (int digits = FLT_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
		(void)snprintf(out, size, "%.*g", digits, d);
		if (bits == FLT_MANT_DIG ? strtof(out, NULL) == (float)d :
		    strtod(out, NULL) == d)
			return;
	}
}

bool
float_keeps_int(const char *p, size_t n, int bits)
{
	enum { FLOAT_DIGITS_MAX = 309 };
	char given[FLOAT_DIGITS_MAX + 1], stored[FLOAT_DIGITS_MAX + 2];
	double d;

	if (!cut_to_digits(&p, &n) ||
	    n <= (bits == FLT_MANT_DIG ? FLT_DIG : DBL_DIG) ||
	    n > FLOAT_DIGITS_MAX)
		return true;
	memcpy(given, p, n);
	given[n] = '\0';
	d = bits == FLT_MANT_DIG ? (double)strtof(given, NULL) :
	    strtod(given, NULL);
	if (isinf(d))
		return true;    /* the database rejects it */
	(void)snprintf(stored, sizeof(stored), "%.0f", d);
	if (strcmp(given, stored) == 0)
		return true;
	print_shortest(stored, sizeof(stored), d, bits);
	return number_equals(stored, strlen(stored), given, n);
}

bool
float_keeps_number(const char *p, size_t n, int bits)
{
	char given[64], stored[64];
	double d;

	if (n >= sizeof(given))
		return false;
	memcpy(given, p, n);
	given[n] = '\0';
	d = bits == FLT_MANT_DIG ? (double)strtof(given, NULL) :
	    strtod(given, NULL);
	print_shortest(stored, sizeof(stored), d, bits);
	return !isinf(d) && number_equals(stored, strlen(stored), p, n);
}
