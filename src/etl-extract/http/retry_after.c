#include "http/retry_after.h"

#include <string.h>

enum { YEAR = 365 * 86400, EPOCH_LIKELY = 1000000000 };

/* No wait is told apart from a hundred years. */
static const int64_t longest = INT64_C(100) * YEAR;

/* -1: not a number. */
static int64_t
seconds(const char *p, size_t n)
{
	int64_t s = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		if (s <= longest)
			s = s * 10 + (p[i] - '0');
	}
	return n == 0 ? -1 : s;
}

static int64_t
until(int64_t at, time_t now)
{
	return at <= now ? 0 : at - now;
}

/* IMF-fixdate and the two older forms that a recipient must accept. */
static int64_t
date(const char *p, size_t n, time_t now)
{
	static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT",
	    "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y" };
	char copy[64];

	if (n >= sizeof(copy))
		return -1;
	memcpy(copy, p, n);
	copy[n] = '\0';
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(copy, forms[i], &tm);

		if (end != NULL && *end == '\0')
			return until(timegm(&tm), now);
	}
	return -1;
}

bool
calls_used_up(const struct http_answer *a)
{
	const char *v;
	size_t n;

	return (a->status == 403 || a->status == 429) &&
	    http_header(a, "X-RateLimit-Remaining", &v, &n) &&
	    n == 1 && *v == '0';
}

int64_t
retry_after(const struct http_answer *a, time_t now)
{
	int64_t s = -1;
	const char *v;
	size_t n;

	if (http_header(a, "Retry-After", &v, &n)) {
		s = seconds(v, n);
		if (s == -1)
			s = date(v, n, now);
	} else if (calls_used_up(a) &&
	    http_header(a, "X-RateLimit-Reset", &v, &n)) {
		s = seconds(v, n);
		if (s > EPOCH_LIKELY)
			s = until(s, now);
	}
	return s == -1 ? -1 : (s > longest ? longest : s) * 1000;
}

void
retry_after_show(struct buf *b, int64_t ms, time_t now)
{
	time_t at = now + (time_t)((ms + 999) / 1000);
	char text[32];
	struct tm tm;

	if (ms / 1000 >= longest || gmtime_r(&at, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf_str(b, "a hundred years from now");
	else
		buf_str(b, text);
}
