#include "http/link_header.h"

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
