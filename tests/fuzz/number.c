/* Fuzz target for numbers.  The first eight bytes are a double, which is
 * printed and read back.  The rest is one number token, or two with a space
 * between; they are read and compared with strtod(3). */
#include "fuzz.h"

#include "json/number.h"
#include "json/scan.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static double
reference(const char *p, size_t n)
{
	char *text = malloc(n + 1);
	double d;

	MUST(text != NULL);
	memcpy(text, p, n);
	text[n] = '\0';
	d = strtod(text, NULL);
	free(text);
	return d;
}

static void
printed(double d)
{
	char out[NUMBER_TEXT];
	struct json j = { 0 };
	struct json_fault f;
	size_t n = number_put_shortest(out, d);

	MUST(n > 0 && n <= NUMBER_TEXT);
	MUST(json_scan(&j, out, n, 0, JSON_UNIQUE, &f) == 0);
	if (isfinite(d)) {
		MUST(j.tok[0].type == JSON_NUMBER);
		MUST(number_to_double(out, n) == d);
		MUST(reference(out, n) == d);
		MUST((*out == '-') == (signbit(d) != 0));
	}
	json_release(&j);
}

static bool
is_number(const char *p, size_t n)
{
	struct json j = { 0 };
	struct json_fault f;
	bool is = json_scan(&j, p, n, 0, JSON_UNIQUE, &f) == 0 &&
	    j.tok[0].type == JSON_NUMBER && j.tok[0].len == n;

	json_release(&j);
	return is;
}

static void
integer(const char *p, size_t n)
{
	char text[32];
	int64_t v;
	int len;

	if (number_to_int64(p, n, &v)) {
		len = snprintf(text, sizeof(text), "%" PRId64, v);
		MUST(number_equals(p, n, text, (size_t)len));
		MUST(number_to_double(p, n) == (double)v);
	} else if (n < 19) {            /* 18 digits always fit */
		MUST(memchr(p, '.', n) || memchr(p, 'e', n) ||
		    memchr(p, 'E', n));
	}
}

static void
token(const char *p, size_t n)
{
	double d = number_to_double(p, n);

	MUST(d == reference(p, n));
	MUST((*p == '-') == (signbit(d) != 0));
	MUST(number_equals(p, n, p, n));
	integer(p, n);
	printed(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text, *space;
	size_t m;
	double d;

	if (n < sizeof(d))
		return 0;
	memcpy(&d, data, sizeof(d));
	printed(d);
	if ((n -= sizeof(d)) == 0)
		return 0;
	text = malloc(n);
	MUST(text != NULL);
	memcpy(text, data + sizeof(d), n);
	space = memchr(text, ' ', n);
	m = space ? (size_t)(space - text) : n;
	if (is_number(text, m)) {
		token(text, m);
		if (space && is_number(space + 1, n - m - 1)) {
			token(space + 1, n - m - 1);
			if (number_equals(text, m, space + 1, n - m - 1))
				MUST(fabs(number_to_double(text, m)) ==
				     fabs(number_to_double(
					 space + 1, n - m - 1)));
		}
	}
	free(text);
	return 0;
}
