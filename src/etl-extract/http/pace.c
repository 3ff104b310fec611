#include "http/pace.h"

#include "base/clock.h"
#include "base/datetime.h"
#include "common/stdout_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const int64_t longest_number = INT64_C(1) << 60;
static const int64_t seconds_likely = INT64_C(1000000000);
static const int64_t milliseconds_likely = INT64_C(1000000000000);

/* Parses a whole number. Returns -1 if the text is not one. Digits that would
 * make the number larger than 2^60 are ignored: the result is still later than
 * any real time. */
static int64_t
parse_whole(const char *p, size_t n)
{
	int64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		if (v <= longest_number / 10)
			v = v * 10 + (p[i] - '0');
	}
	return n == 0 ? -1 : v;
}

static int64_t
number_in_header(const struct http_answer *a, const char *name)
{
	const char *v;
	size_t n;

	return http_find_header(a, name, &v, &n) ? parse_whole(v, n) : -1;
}

/* The numbers of a RateLimit header; -1 for one that the header does not
 * have. */
struct quota {
	int64_t left, wait_s;
	int64_t least;          /* the least `left` of all limits */
};

/* Stores one part of the header, such as r=0, in *q. Ignores unknown parts. */
static void
parse_quota_part(struct quota *q, const char *p, size_t n)
{
	static const struct {
		const char *name;
		bool left;
	} names[] = { { "r=", true }, { "remaining=", true },
	    { "t=", false }, { "reset=", false } };

	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i].name);
		int64_t *to = names[i].left ? &q->left : &q->wait_s;

		if (n > len && strncasecmp(p, names[i].name, len) == 0)
			*to = parse_whole(p + len, n - len);
	}
}

static size_t
length_of_part(const char *p, size_t n)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (quoted && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (p[i] == ',' || p[i] == ';'))
			break;
	}
	return i < n ? i : n;
}

/* Reads one RateLimit header. In the form of draft 08, each part between two
 * commas is a separate limit; if several limits are used up, the longest wait
 * is taken. In the form of draft 07, all parts belong to one limit. */
static void
merge_quota(struct quota *q, const char *p, size_t n)
{
	bool has_limits = memchr(p, ';', n) != NULL;
	struct quota one = { -1, -1, -1 };

	while (n > 0) {
		size_t len = length_of_part(p, n);
		bool ends = len + 1 >= n || (has_limits && p[len] == ',');

		parse_quota_part(&one, p, len);
		if (ends && one.left != -1 &&
		    (q->least == -1 || one.left < q->least))
			q->least = one.left;
		if (ends && one.left == 0) {
			q->left = 0;
			if (one.wait_s > q->wait_s)
				q->wait_s = one.wait_s;
		}
		if (ends)
			one = (struct quota){ -1, -1, -1 };
		len += len < n;
		p += len;
		n -= len;
	}
}

/* Returns the seconds from now until the limit is reset. The header has them,
 * or a time since 1970 in seconds or milliseconds. */
static int64_t
reset_seconds(int64_t reset, time_t now)
{
	if (reset > milliseconds_likely)
		reset = (reset + 999) / 1000;
	if (reset <= seconds_likely)
		return reset;
	return reset <= now ? 0 : reset - now;
}

/* True if no requests are left. Sets *wait_s to the seconds until the service
 * accepts requests again, or to -1 if the answer does not contain this time. */
static bool
rate_limit_used_up(const struct http_answer *a, time_t now, int64_t *wait_s)
{
	struct quota q = { -1, -1, -1 };
	size_t at = 0, n;
	const char *v;

	while (http_find_next_header(a, &at, "RateLimit", &v, &n))
		merge_quota(&q, v, n);
	if (q.left == -1 && number_in_header(a, "RateLimit-Remaining") == 0) {
		q.left = 0;
		q.wait_s = number_in_header(a, "RateLimit-Reset");
	}
	if (q.left == -1 && number_in_header(a, "X-RateLimit-Remaining") == 0) {
		q.left = 0;
		q.wait_s = reset_seconds(
		    number_in_header(a, "X-RateLimit-Reset"), now);
	}
	*wait_s = q.wait_s;
	return q.left == 0;
}

int64_t
rate_limit_left(const struct http_answer *a)
{
	struct quota q = { -1, -1, -1 };
	size_t at = 0, n;
	const char *v;

	while (http_find_next_header(a, &at, "RateLimit", &v, &n))
		merge_quota(&q, v, n);
	if (q.least == -1)
		q.least = number_in_header(a, "RateLimit-Remaining");
	return q.least != -1 ? q.least :
	    number_in_header(a, "X-RateLimit-Remaining");
}

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

/* Returns the milliseconds to wait after an answer whose status is not an
 * error; 0 if requests are left, or if the answer does not contain the time. */
static int64_t
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
	char text[DATETIME_TEXT];

	/* Waits are cut to 100 years (longest_wait). A part of such a wait may
	 * have passed since the answer came, so a wait that is up to a day
	 * shorter is shown in the same way. */
	if (ms / 1000 > longest_wait - DAY) {
		buf_str(b, "a hundred years from now");
		return;
	}
	(void)datetime_write(text, at);
	buf_printf(b, "%sZ", text);
}

enum { RATE_MOST = 1000000 };

/* Returns the microseconds between two requests, or 0 if the text is not a rate
 * such as 2/s or 100/m. */
static int64_t
parse_rate(const char *text)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {
		{ "/s", 1000000 }, { "/m", INT64_C(60) * 1000000 },
		{ "/h", INT64_C(3600) * 1000000 },
	};
	size_t digits = strspn(text, "0123456789");
	uint64_t n = digits == 0 || digits > 9 ? 0 :
	    strtoull(text, NULL, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + digits, units[i].name) == 0 && n > 0 &&
		    n <= RATE_MOST)
			return (units[i].us + (int64_t)n - 1) / (int64_t)n;
	return 0;
}

int
pace_init(struct pace *p, const struct extract_opts *o, struct err *e)
{
	*p = (struct pace){ .o = o };
	if (o->rate != NULL && (p->interval_us = parse_rate(o->rate)) == 0)
		return err_set(e, ERR_USAGE, false, "--rate %s: it must be a "
		    "number of requests from 1 to %d and a unit: N/s, N/m or "
		    "N/h", o->rate, RATE_MOST);
	if (o->max_time != 0)
		p->end = clock_ms() + (int64_t)o->max_time;
	return 0;
}

/* Fails if --max-time will be over in ms milliseconds. */
static int
check_time_left(struct pace *p, int64_t ms, struct err *e)
{
	if (p->end == 0 || clock_ms() + ms < p->end)
		return 0;
	p->is_over = true;
	return err_set(e, ERR_RETRY, true, "stopped by --max-time before all "
	    "records were read: run the command again, or give a longer time");
}

int
pace_check(struct pace *p, struct err *e)
{
	return check_time_left(p, 0, e);
}

int
pace_wait(struct pace *p, int64_t ms, struct err *e)
{
	return check_time_left(p, ms, e) == -1 ? -1 : sleep_watching(ms, e);
}

int
pace_wait_turn(struct pace *p, struct err *e)
{
	int64_t now = clock_ms() * 1000, wait_us = p->next_us - now;

	if (wait_us < 0 || p->next_us == 0)
		wait_us = 0;
	p->next_us = now + wait_us + p->interval_us;
	if (pace_wait(p, (wait_us + 999) / 1000, e) == -1)
		return -1;
	now = clock_ms() * 1000;        /* the wait may have been longer */
	if (p->next_us < now + p->interval_us)
		p->next_us = now + p->interval_us;
	return 0;
}

void
pace_note_quota(struct pace *p, const struct http_answer *a)
{
	int64_t age = http_answer_age(a);
	int64_t wait = rate_limit_wait_ms(a, time(NULL) - age / 1000);
	int64_t at = clock_ms() - age + wait;

	if (wait > 0 && at > p->quota_at)
		p->quota_at = at;
}

int64_t
pace_turn_ms(const struct pace *p)
{
	const int64_t now = clock_ms();
	int64_t ms = (p->next_us + 999) / 1000 - now;

	if (ms < p->quota_at - now)
		ms = p->quota_at - now;
	return ms < 0 ? 0 : ms;
}

void
pace_set_next_turn(struct pace *p)
{
	p->next_us = clock_ms() * 1000 + p->interval_us;
}

uint64_t
pace_timeout(const struct pace *p)
{
	int64_t left = p->end == 0 ? INT64_MAX : p->end - clock_ms();

	if (left < 1)
		left = 1;
	return p->o->timeout < (uint64_t)left ? p->o->timeout : (uint64_t)left;
}
