#include "http/answer.h"

#include "base/clock.h"
#include "base/datetime.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* READ_MAX: how many bytes of a body are read at once. */
enum { HEAD_MAX = 256 << 10, READ_MAX = 16 << 10 };

void
http_answer_init(struct http_answer *a, size_t max_body)
{
	memset(a, 0, sizeof(*a));
	buf_init(&a->head, HEAD_MAX);
	buf_init(&a->body, max_body);
}

void
http_answer_release(struct http_answer *a)
{
	buf_release(&a->head);
	buf_release(&a->body);
}

bool
http_answer_is_empty(const struct http_answer *a)
{
	return a->status == 204 || a->is_ignored || a->is_unchanged;
}

int64_t
http_answer_age(const struct http_answer *a)
{
	return a->came_at == 0 ? 0 : clock_ms() - a->came_at;
}

int
http_answer_read(struct http_answer *a, struct lines_reader from, struct err *e)
{
	char part[READ_MAX];
	ssize_t n;

	while ((n = from.read(from.self, part, sizeof(part), e)) > 0) {
		buf_add(&a->body, part, (size_t)n);
		if (a->body.full)
			return err_set(e, ERR_PEER, false, "the answer is "
			    "larger than --max-body: raise it, or ask for "
			    "smaller pages");
		if (a->body.failed)
			return err_nomem(e);
	}
	return n == 0 ? 0 : -1;
}

size_t
http_token_length(const char *p)
{
	return strspn(p, "!#$%&'*+-.^_`|~0123456789"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

bool
http_find_next_header(const struct http_answer *a, size_t *at, const char *name,
    const char **value, size_t *len)
{
	size_t n = strlen(name);
	const char *p, *end, *eol;

	if (a->head.len <= *at)
		return false;
	end = a->head.data + a->head.len;
	for (p = a->head.data + *at; p < end; p = eol + 1) {
		if ((eol = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return false;
		if ((size_t)(eol - p) <= n || p[n] != ':' ||
		    strncasecmp(p, name, n) != 0)
			continue;
		*at = (size_t)(eol + 1 - a->head.data);
		for (p += n + 1; p < eol && isspace((unsigned char)*p); p++)
			;
		*value = p;
		while (eol > p && isspace((unsigned char)eol[-1]))
			eol--;
		*len = (size_t)(eol - p);
		return true;
	}
	return false;
}

bool
http_find_header(const struct http_answer *a, const char *name,
    const char **value, size_t *len)
{
	size_t at = 0;

	return http_find_next_header(a, &at, name, value, len);
}

struct span {
	const char *p;          /* NULL: absent */
	size_t n;
	bool quoted;            /* has backslash escapes */
};

struct link {
	struct span target, rel, anchor;
};

struct reader {
	const char *p, *end;
};

static char
peek(const struct reader *r)
{
	if (r->p == r->end)
		return '\0';
	return *r->p;
}

static void
skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t')
		r->p++;
}

/* Reads the bytes before the first one that is in `stops`. */
static struct span
read_before(struct reader *r, const char *stops)
{
	struct span s = { .p = r->p };

	while (r->p < r->end && (*r->p == '\0' ||
	    strchr(stops, *r->p) == NULL))
		r->p++;
	s.n = (size_t)(r->p - s.p);
	return s;
}

/* Reads a quoted string. Its closing quote may be missing. */
static struct span
read_quoted_text(struct reader *r)
{
	struct span s = { .p = ++r->p, .quoted = true };

	while (r->p < r->end && *r->p != '"') {
		if (*r->p == '\\' && r->p + 1 < r->end)
			r->p++;
		r->p++;
	}
	s.n = (size_t)(r->p - s.p);
	if (r->p < r->end)
		r->p++;
	return s;
}

/* Sets *to to the value if the name is `wanted`. If a parameter occurs more
 * than once, the first one counts (RFC 8288, 3.3). */
static void
set_parameter(struct span *to, const struct span *name, const char *wanted,
    const struct span *value)
{
	if (to->p == NULL && name->n == strlen(wanted) &&
	    strncasecmp(name->p, wanted, name->n) == 0)
		*to = *value;
}

static void
read_parameter(struct reader *r, struct link *l)
{
	struct span name, value = { .p = "" };

	skip_blanks(r);
	name = read_before(r, " \t=;,");
	skip_blanks(r);
	if (peek(r) == '=') {
		r->p++;
		skip_blanks(r);
		value = peek(r) == '"' ? read_quoted_text(r) :
		    read_before(r, " \t;,");
	}
	set_parameter(&l->rel, &name, "rel", &value);
	set_parameter(&l->anchor, &name, "anchor", &value);
}

/* Reads one link, after the blanks and commas before it. Returns false at the
 * end, and at a syntax error. */
static bool
read_one_link(struct reader *r, struct link *l)
{
	memset(l, 0, sizeof(*l));
	while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == ',')
		r->p++;
	if (peek(r) != '<')
		return false;
	r->p++;
	l->target = read_before(r, ">");
	if (r->p == r->end)
		return false;
	r->p++;
	for (skip_blanks(r); peek(r) == ';'; skip_blanks(r)) {
		r->p++;
		read_parameter(r, l);
	}
	return r->p == r->end || *r->p == ',';
}

/* True if the relation types, which are separated by spaces, contain next. */
static bool
is_next(const struct span *rel)
{
	static const char next[] = "next";
	size_t at = 0;
	bool fits = true;

	for (size_t i = 0; i < rel->n; i++) {
		char c = rel->p[i];

		if (rel->quoted && c == '\\' && i + 1 < rel->n)
			c = rel->p[++i];
		if (c == ' ' || c == '\t') {
			if (fits && at == strlen(next))
				return true;
			at = 0;
			fits = true;
		} else if (fits && at < strlen(next) &&
		    tolower((unsigned char)c) == next[at]) {
			at++;
		} else {
			fits = false;
		}
	}
	return fits && at == strlen(next);
}

bool
link_find_in_value(const char *value, size_t n, const char **uri, size_t *len)
{
	struct reader r = { value, value + n };
	struct link l;

	while (read_one_link(&r, &l)) {
		if (l.anchor.p != NULL || !is_next(&l.rel))
			continue;
		*uri = l.target.p;
		*len = l.target.n;
		return true;
	}
	return false;
}

bool
link_find_next(const struct http_answer *a, const char **uri, size_t *len)
{
	const char *value;
	size_t at = 0, n;

	while (http_find_next_header(a, &at, "Link", &value, &n))
		if (link_find_in_value(value, n, uri, len))
			return true;
	return false;
}

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
