#include "http/retry_after.h"

#include "http/rate_limit.h"

#include <string.h>

enum { DAY = 86400, YEAR = 365 * DAY };

/* The longest wait, in seconds. If a service asks for a longer one, for example
 * in Retry-After, the wait is cut to this value, so that adding it to the
 * current time cannot overflow. */
static const int64_t longest_wait = INT64_C(100) * YEAR;

static int64_t
seconds_until(int64_t at, time_t now)
{
	return at <= now ? 0 : at - now;
}

/* Returns the seconds from now until an HTTP date, or -1 if the text is not an
 * HTTP date. Accepts IMF-fixdate and the two older forms, as RFC 9110, 5.6.7
 * requires. */
static int64_t
parse_http_date(const char *p, size_t n, time_t now)
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
			return seconds_until(timegm(&tm), now);
	}
	return -1;
}

bool
is_rate_limited(const struct http_answer *a)
{
	int64_t wait_s;

	return (a->status == 403 || a->status == 429) &&
	    rate_limit_used_up(a, 0, &wait_s);
}

static int64_t
seconds_to_ms(int64_t s)
{
	return s == -1 ? -1 : (s > longest_wait ? longest_wait : s) * 1000;
}

int64_t
retry_after_ms(const struct http_answer *a, time_t now)
{
	int64_t s = -1;
	const char *v;
	size_t n;

	if (http_find_header(a, "Retry-After", &v, &n)) {
		s = parse_whole(v, n);
		if (s == -1)
			s = parse_http_date(v, n, now);
	} else if (!rate_limit_used_up(a, now, &s)) {
		s = -1;
	}
	return seconds_to_ms(s);
}

int64_t
rate_limit_wait_ms(const struct http_answer *a, time_t now)
{
	int64_t s;

	if (a->status >= 400 || !rate_limit_used_up(a, now, &s) || s == -1)
		return 0;
	return seconds_to_ms(s);
}

void
retry_after_show(struct buf *b, int64_t ms, time_t now)
{
	time_t at = now + (time_t)((ms + 999) / 1000);
	char text[32];
	struct tm tm;

	/* Waits are cut to 100 years (longest_wait). A part of such a wait may
	 * have passed since the answer came, so a wait that is up to a day
	 * shorter is shown in the same way. */
	if (ms / 1000 > longest_wait - DAY || gmtime_r(&at, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf_str(b, "a hundred years from now");
	else
		buf_str(b, text);
}
