#include "http/link_header.h"

#include "base/clock.h"
#include "http/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

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
