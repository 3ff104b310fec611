#include "http/rate_limit.h"

#include <string.h>
#include <strings.h>

static const int64_t longest_number = INT64_C(1) << 60;
static const int64_t seconds_likely = INT64_C(1000000000);
static const int64_t milliseconds_likely = INT64_C(1000000000000);

int64_t
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

bool
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
