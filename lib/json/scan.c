#include "json/scan.h"

#include "json/lex.h"
#include "json/name.h"
#include "json/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 8 };              /* so many names are compared one by one */

/* cap cannot overflow: a text of 4 GiB has at most 2^31 tokens. */
__attribute__((cold, noinline)) static bool
grow(struct json *j)
{
	uint32_t cap = j->cap ? j->cap * 2 : 64;
	struct json_tok *p = reallocarray(j->tok, cap, sizeof(*p));

	if (p == NULL)
		return false;
	j->tok = p;
	j->cap = cap;
	return true;
}

static inline bool
kept(const struct scan *s)
{
	return s->depth <= s->levels;
}

/* Stores a token for the bytes from..to, if tokens are kept at this level. */
static inline bool
keep(struct scan *s, enum json_type type, const char *from, const char *to,
    unsigned int flags)
{
	struct json *j = s->j;

	j->flags |= (uint8_t)flags;
	if (!kept(s))
		return true;
	if (j->n == j->cap && !grow(j))
		return false;
	j->tok[j->n] = (struct json_tok){
		.at = (uint32_t)(from - j->text), .len = (uint32_t)(to - from),
		.next = j->n + 1, .type = (uint8_t)type,
		.flags = (uint8_t)flags
	};
	j->n++;
	return true;
}

static const char *
blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static inline const char *
space(struct scan *s, const char *p)
{
	if (p == s->end || (unsigned char)*p > ' ')
		return p;
	s->j->flags |= JSON_SPACE;
	return blanks(p, s->end);
}

/* Reads the string that opens at p. Returns the position after its closing
 * quote. */
static inline const char *
string(struct scan *s, const char *p, unsigned int *flags)
{
	for (p++;;) {
		p = span_text(p, s->end);
		if (p < s->end && *p == '"')
			return p + 1;
		if ((p = lex_string_rare(s, p, flags)) == NULL)
			return NULL;
	}
}

static inline const char *
digits(const struct scan *s, const char *p)
{
	while (p < s->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static inline const char *
number(struct scan *s, const char *p, unsigned int *flags)
{
	const char *q;

	if (*p == '-')
		p++;
	q = p < s->end && *p == '0' ? p + 1 : digits(s, p);
	if (q == p)
		return lex_unexpected(s, p, "expected a digit");
	if (q < s->end && *q == '.') {
		*flags = JSON_FRACTION;
		p = q + 1;
		if ((q = digits(s, p)) == p)
			return lex_unexpected(s, p, "expected a digit");
	}
	if (q < s->end && (*q == 'e' || *q == 'E')) {
		*flags = JSON_FRACTION;
		p = q + 1;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		if ((q = digits(s, p)) == p)
			return lex_unexpected(s, p, "expected a digit");
	}
	return q;
}

/* The name just read is new to its object. A bit for each name's hash tells
 * most names apart; an object with many names is checked when it closes. */
static inline bool
name_new(struct scan *s, struct frame *f)
{
	const struct json *j = s->j;
	uint32_t last = j->n - 1;
	uint64_t bit;

	if (f->members >= FEW)
		return true;
	bit = (uint64_t)1 << (name_hash(j, last) >> 26);
	if (f->seen & bit)
		for (uint32_t i = f->tok + 1; i < last; i = j->tok[i + 1].next)
			if (name_same(j, i, last))
				return false;
	f->seen |= bit;
	return true;
}

/* Reads a name and its colon. Returns the position of the value. */
static inline const char *
name(struct scan *s, const char *p)
{
	struct frame *f = &s->stack[s->depth - 1];
	const char *from = p;
	unsigned int flags = 0;

	if (p == s->end || *p != '"')
		return lex_unexpected(s, p, "expected a member name");
	if ((p = string(s, p, &flags)) == NULL)
		return NULL;
	if (!keep(s, JSON_STRING, from, p, flags))
		return lex_nomem(s);
	if (s->unique && kept(s) && !name_new(s, f))
		return lex_fault(s, from, "duplicate_member",
		    "the same member name twice");
	p = space(s, p);
	if (p == s->end || *p != ':')
		return lex_unexpected(s, p, "expected a colon");
	return p + 1;
}

/* Enters an object or array. Returns the position of its first value, or of its
 * closing bracket. */
static const char *
enter(struct scan *s, const char *p)
{
	bool object = *p == '{';
	struct frame *f;

	if (s->depth == JSON_DEPTH_MAX)
		return lex_fault(s, p, "depth", "nested deeper than 256");
	f = &s->stack[s->depth];
	*f = (struct frame){ .tok = s->j->n, .close = object ? '}' : ']' };
	if (!keep(s, object ? JSON_OBJECT : JSON_ARRAY, p, p + 1, 0))
		return lex_nomem(s);
	s->depth++;
	p = space(s, p + 1);
	if (p < s->end && *p == f->close)
		return p;
	s->value = true;
	return object ? name(s, p) : p;
}

/* Leaves the object or array whose closing bracket is at p. */
static const char *
leave(struct scan *s, const char *p)
{
	const struct frame *f = &s->stack[s->depth - 1];
	struct json *j = s->j;
	bool inner = kept(s);
	struct json_tok *t;
	uint32_t second;
	int rc;

	s->depth--;
	if (!kept(s))
		return p + 1;
	t = &j->tok[f->tok];
	t->len = (uint32_t)(p + 1 - j->text) - t->at;
	t->next = j->n;
	t->members = (uint16_t)(f->members < 65535 ? f->members : 65535);
	if (!inner || !s->unique || *p != '}' || f->members <= FEW)
		return p + 1;
	if ((rc = name_twice(j, f->tok, &second)) == -1)
		return lex_nomem(s);
	if (rc == 1)
		return lex_fault(s, j->text + j->tok[second].at,
		    "duplicate_member", "the same member name twice");
	return p + 1;
}

/* Goes on after a value: to the next value, or past the closing bracket. */
static inline const char *
after(struct scan *s, const char *p)
{
	const struct frame *f = &s->stack[s->depth - 1];

	p = space(s, p);
	if (p == s->end)
		return lex_unexpected(s, p, "");
	if (*p == ',') {
		s->value = true;
		return f->close == '}' ? name(s, space(s, p + 1)) : p + 1;
	}
	if (*p != f->close)
		return lex_unexpected(s, p, "expected a comma or the end");
	return leave(s, p);
}

static inline const char *
scalar(struct scan *s, const char *p)
{
	const char *from = p;
	enum json_type type = JSON_NUMBER;
	unsigned int flags = 0;

	if (*p == '"') {
		type = JSON_STRING;
		p = string(s, p, &flags);
	} else if (*p == '-' || (*p >= '0' && *p <= '9')) {
		p = number(s, p, &flags);
	} else if (*p == 't') {
		type = JSON_TRUE;
		p = lex_word(s, p, "true", 4);
	} else if (*p == 'f') {
		type = JSON_FALSE;
		p = lex_word(s, p, "false", 5);
	} else if (*p == 'n') {
		type = JSON_NULL;
		p = lex_word(s, p, "null", 4);
	} else {
		return lex_unexpected(s, p, "expected a value");
	}
	if (p != NULL && !keep(s, type, from, p, flags))
		return lex_nomem(s);
	return p;
}

static const char *
value(struct scan *s, const char *p)
{
	s->value = true;
	while (p != NULL && (s->value || s->depth > 0)) {
		if (!s->value) {
			p = after(s, p);
			continue;
		}
		p = space(s, p);
		if (p == s->end)
			return lex_unexpected(s, p, "");
		s->value = false;
		if (s->depth > 0)
			s->stack[s->depth - 1].members++;
		p = *p == '{' || *p == '[' ? enter(s, p) : scalar(s, p);
	}
	return p;
}

int
json_scan(struct json *j, const char *text, size_t len, unsigned int levels,
    enum json_members dup, struct json_fault *f)
{
	struct scan s;
	const char *p;

	j->text = text;
	j->len = len;
	j->n = 0;
	j->flags = 0;
	s.j = j;
	s.f = f;
	s.end = len <= UINT32_MAX ? text + len : text;
	s.depth = 0;
	s.levels = levels;
	s.unique = dup == JSON_UNIQUE;
	if (len > UINT32_MAX)
		p = lex_fault(&s, text, "parse", "longer than 4 GiB");
	else
		p = value(&s, blanks(text, s.end));
	if (p != NULL && (p = blanks(p, s.end)) != s.end)
		p = lex_unexpected(&s, p, "expected the end of the text");
	if (p == NULL)
		j->n = 0;
	return p == NULL ? -1 : 0;
}

void
json_release(struct json *j)
{
	free(j->tok);
	*j = (struct json){ 0 };
}

const char *
json_type_name(uint8_t type)
{
	static const char *const names[] = {
		"null", "a boolean", "a boolean", "a number", "a string",
		"an array", "an object"
	};

	return names[type];
}

void
json_fault_text(char *out, size_t size, const struct json_fault *f)
{
	(void)snprintf(out, size, "%s%s at byte %zu", strcmp(f->code,
	    "parse") == 0 ? "not JSON: " : "", f->why, f->at);
}
