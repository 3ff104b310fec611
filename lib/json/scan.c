#include "json/scan.h"

#include "base/text.h"
#include "json/name.h"
#include "json/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The internals of the scanner: its state, and the code that is rarely reached.
 * Gives: each function returns the position after what it read, NULL on a
 *        fault. */

struct frame {                  /* an open object or array */
	uint64_t seen;          /* a bit for the hash of each name so far */
	uint32_t tok;           /* its token, if this level has tokens */
	uint32_t members;
	char close;
};

struct scan {
	struct json *j;
	struct json_fault *f;
	const char *end;
	unsigned int depth, levels;
	bool unique;
	bool value;             /* a value must follow, no comma or bracket */
	struct frame stack[JSON_DEPTH_MAX];
};

static const char *lex_set_fault(struct scan *s, const char *at,
    const char *code, const char *why) __attribute__((cold));
static const char *lex_set_nomem(struct scan *s) __attribute__((cold));
static const char *lex_set_unexpected(struct scan *s, const char *p,
    const char *other_reason) __attribute__((cold));

static const char *
lex_set_fault(struct scan *s, const char *at, const char *code, const char *why)
{
	*s->f = (struct json_fault){
		.code = code, .why = why, .at = (size_t)(at - s->j->text)
	};
	return NULL;
}

static const char *
lex_set_nomem(struct scan *s)
{
	*s->f = (struct json_fault){
		.code = "memory", .why = "out of memory", .nomem = true
	};
	return NULL;
}

/* Reports that JSON's grammar does not allow the character at p, or the end of
 * the text, at this place. other_reason is the message if the character is
 * valid, such as "expected a colon"; bytes that are not UTF-8 and a byte order
 * mark have messages of their own. */
static const char *
lex_set_unexpected(struct scan *s, const char *p, const char *other_reason)
{
	unsigned int cp = 0;

	if (p == s->end)
		return lex_set_fault(s, p, "parse", "the text ends too early");
	if ((*p & 0x80) && utf8_decode(p, (size_t)(s->end - p), &cp) == 0)
		return lex_set_fault(s, p, "encoding", "not UTF-8");
	return lex_set_fault(s, p, "parse", cp == 0xfeff ?
	    "found a byte order mark (U+FEFF)" : other_reason);
}

/* True if \c is an escape sequence (RFC 8259, section 7) other than \u. */
static bool
is_escape_letter(char c)
{
	switch (c) {
	case '"': case '\\': case '/':
	case 'b': case 'f': case 'n': case 'r': case 't':
		return true;
	default:
		return false;
	}
}

/* Checks the escape sequence whose backslash is at p. If it has two bytes, such
 * as \n, also checks the two-byte sequences that follow it directly. Returns
 * the position after the last of them. */
static const char *
skip_escapes(struct scan *s, const char *p, unsigned int *flags)
{
	const char *end = s->end;
	int v, low;

	*flags |= JSON_ESCAPED;
	if (end - p < 2)
		return lex_set_unexpected(s, end, "");
	if (p[1] != 'u') {
		do {
			if (!is_escape_letter(p[1]))
				return lex_set_unexpected(
				    s, p + 1, "unknown escape");
			p += 2;
		} while (end - p >= 2 && *p == '\\' && p[1] != 'u');
		return p;
	}
	if ((v = text_parse_hex4(p + 2, end)) == -1)
		return lex_set_fault(
		    s, p, "parse", "\\u without four hex digits");
	p += 6;
	if (v == 0)
		*flags |= JSON_NUL;
	if (v < 0xd800 || v > 0xdfff)
		return p;
	if (v <= 0xdbff && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
	    (low = text_parse_hex4(p + 2, end)) >= 0xdc00 &&
	    low <= 0xdfff)
		return p + 6;
	*flags |= JSON_LONE;
	return p;
}

/* Returns the length in bytes of the non-ASCII character at p, or 0 if its
 * bytes are not UTF-8. Most characters have two or three bytes, so these
 * lengths are tested first. */
static inline size_t
utf8_length(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned int cp;

	if (end - p >= 3 && (u[1] & 0xc0) == 0x80) {
		if (u[0] >= 0xc2 && u[0] <= 0xdf)
			return 2;
		if (u[0] >= 0xe1 && u[0] <= 0xec && (u[2] & 0xc0) == 0x80)
			return 3;
	}
	return utf8_decode(p, (size_t)(end - p), &cp);
}

/* Reads, inside a string, an escape or a run of non-ASCII characters at p. */
static const char *
lex_skip_special(struct scan *s, const char *p, unsigned int *flags)
{
	size_t n;

	if (p == s->end)
		return lex_set_unexpected(s, p, "");
	if (*p == '\\')
		return skip_escapes(s, p, flags);
	if ((unsigned char)*p < 0x20)
		return lex_set_fault(s, p, "parse",
		    "control character in a string");
	do {
		n = utf8_length(p, s->end);
		if (n == 0)
			return lex_set_fault(s, p, "encoding", "not UTF-8");
		p += n;
	} while (p < s->end && (*p & 0x80));
	return p;
}

static const char *
lex_match_word(struct scan *s, const char *p, const char *word, size_t n)
{
	size_t left = (size_t)(s->end - p), i = 0;

	while (i < n && i < left && p[i] == word[i])
		i++;
	return i == n ? p + n : lex_set_unexpected(s, p + i, "unknown word");
}

/* The first FEW member names of an object are checked for duplicates while they
 * are read. If an object has more names, all its names are checked at its
 * closing bracket. */
enum { FEW = 8 };

/* Doubles the memory for tokens; a token says where a value or name is in the
 * text. The 32-bit capacity cannot overflow: every token but one takes at least
 * two bytes of text, as in [1,1,1], so a text of 4 GiB has at most 2^31 tokens,
 * and the capacity is a power of two. */
__attribute__((cold, noinline)) static bool
grow_tokens(struct json *j)
{
	uint32_t cap = j->cap ? j->cap * 2 : 64;
	struct json_tok *p = reallocarray(j->tok, cap, sizeof(*p));

	if (p == NULL)
		return false;
	j->tok = p;
	j->cap = cap;
	return true;
}

/* Returns true if the caller of json_scan() wants tokens for the values at this
 * depth. */
static inline bool
keeps_tokens(const struct scan *s)
{
	return s->depth <= s->levels;
}

/* Values at deeper levels normally get no token. But if the names of an object
 * must be unique, its parts have tokens until its closing bracket: to compare
 * the names, the scanner steps over the values between them. */
static inline bool
value_has_token(const struct scan *s)
{
	return keeps_tokens(s) ||
	    (s->unique && s->stack[s->depth - 1].close == '}');
}

/* Stores a token: the type and the position of the value or name in the bytes
 * from..to. Returns false if memory is out. */
static inline bool
store_token(struct scan *s, enum json_type type, const char *from,
    const char *to, unsigned int flags)
{
	struct json *j = s->j;

	if (j->n == j->cap && !grow_tokens(j))
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
skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Skips white space. If there is any, sets the flag JSON_SPACE. */
static inline const char *
skip_white(struct scan *s, const char *p)
{
	if (p == s->end || (unsigned char)*p > ' ')
		return p;
	s->j->flags |= JSON_SPACE;
	return skip_blanks(p, s->end);
}

/* Reads the string that opens at p. Returns the position after its closing
 * quote. */
static inline const char *
read_string(struct scan *s, const char *p, unsigned int *flags)
{
	for (p++;;) {
		p = span_text(p, s->end);
		if (p < s->end && *p == '"')
			return p + 1;
		if ((p = lex_skip_special(s, p, flags)) == NULL)
			return NULL;
	}
}

static inline const char *
skip_digits(const struct scan *s, const char *p)
{
	while (p < s->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static inline const char *
read_number(struct scan *s, const char *p, unsigned int *flags)
{
	const char *q;

	if (*p == '-')
		p++;
	q = p < s->end && *p == '0' ? p + 1 : skip_digits(s, p);
	if (q == p)
		return lex_set_unexpected(s, p, "expected a digit");
	if (q < s->end && *q == '.') {
		*flags = JSON_FRACTION;
		p = q + 1;
		if ((q = skip_digits(s, p)) == p)
			return lex_set_unexpected(s, p, "expected a digit");
	}
	if (q < s->end && (*q == 'e' || *q == 'E')) {
		*flags = JSON_FRACTION;
		p = q + 1;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		if ((q = skip_digits(s, p)) == p)
			return lex_set_unexpected(s, p, "expected a digit");
	}
	return q;
}

/* Returns false if an earlier member of the object has the same name as the
 * member name that was read last. f->seen is a set of 64 bits: each name sets
 * the bit whose number is the highest six bits of its hash. If the bit of the
 * last name is not set yet, the name needs no comparison. An object with more
 * than FEW names is checked at its closing bracket. */
static inline bool
note_name(struct scan *s, struct frame *f)
{
	const struct json *j = s->j;
	uint32_t last = j->n - 1;
	uint64_t bit;

	if (f->members >= FEW)
		return true;
	bit = (uint64_t)1 << (name_hash(j, last) >> 26);
	if (f->seen & bit)
		for (uint32_t i = f->tok + 1; i < last; i = j->tok[i + 1].next)
			if (name_equals(j, i, last))
				return false;
	f->seen |= bit;
	return true;
}

/* Reads the name of an object's member, which must begin at p, and the colon
 * after the name. Returns the position after the colon. */
static inline const char *
read_member_name(struct scan *s, const char *p)
{
	struct frame *f = &s->stack[s->depth - 1];
	const char *from = p;
	unsigned int flags = 0;

	if (p == s->end || *p != '"')
		return lex_set_unexpected(s, p, "expected a member name");
	if ((p = read_string(s, p, &flags)) == NULL)
		return NULL;
	s->j->flags |= (uint8_t)flags;
	if (value_has_token(s) && !store_token(s, JSON_STRING, from, p, flags))
		return lex_set_nomem(s);
	if (s->unique && !note_name(s, f))
		return lex_set_fault(s, from, "duplicate_member",
		    "the same member name twice");
	p = skip_white(s, p);
	if (p == s->end || *p != ':')
		return lex_set_unexpected(s, p, "expected a colon");
	return p + 1;
}

/* Enters the object or array whose opening bracket is at p. In an object, also
 * reads the name of the first member. Returns the position of the first value,
 * or of the closing bracket if the object or array is empty. */
static const char *
begin_container(struct scan *s, const char *p)
{
	bool object = *p == '{';
	struct frame *f;

	if (s->depth == JSON_DEPTH_MAX)
		return lex_set_fault(s, p, "depth", "nested deeper than 256");
	f = &s->stack[s->depth];
	*f = (struct frame){ .tok = s->j->n, .close = object ? '}' : ']' };
	if ((keeps_tokens(s) || s->unique) &&
	    !store_token(s, object ? JSON_OBJECT : JSON_ARRAY, p, p + 1, 0))
		return lex_set_nomem(s);
	s->depth++;
	p = skip_white(s, p + 1);
	if (p < s->end && *p == f->close)
		return p;
	s->value = true;
	return object ? read_member_name(s, p) : p;
}

/* Reports a fault if the object at the token f->tok has a member name twice. In
 * objects with few members each new name was compared already; the names of
 * larger objects are compared here. Returns `after`, or NULL on a fault. */
static const char *
check_member_names(struct scan *s, const struct frame *f, const char *after)
{
	const struct json *j = s->j;
	uint32_t second;
	int rc;

	if (!s->unique || f->close != '}' || f->members <= FEW)
		return after;
	if ((rc = name_find_duplicate(j, f->tok, &second)) == -1)
		return lex_set_nomem(s);
	if (rc == 1)
		return lex_set_fault(s, j->text + j->tok[second].at,
		    "duplicate_member", "the same member name twice");
	return after;
}

/* Ends the object or array whose closing bracket is at p: writes its length
 * into its token, checks its names, and drops the tokens that only this check
 * needed. Returns the position after the bracket. */
static const char *
end_container(struct scan *s, const char *p)
{
	const struct frame *f = &s->stack[s->depth - 1];
	bool parts_keep_tokens = keeps_tokens(s);
	struct json *j = s->j;
	struct json_tok *t;

	s->depth--;
	if (!keeps_tokens(s) && !s->unique)
		return p + 1;
	t = &j->tok[f->tok];
	t->len = (uint32_t)(p + 1 - j->text) - t->at;
	t->next = j->n;
	t->members = (uint16_t)(f->members < 65535 ? f->members : 65535);
	p = check_member_names(s, f, p + 1);
	if (!parts_keep_tokens) {
		j->n = f->tok + value_has_token(s);
		t->next = f->tok + 1;
	}
	return p;
}

/* Called after a value inside an object or array. Reads the closing bracket, or
 * a comma and, in an object, also the next member's name and colon. Returns the
 * position after them. */
static inline const char *
read_separator(struct scan *s, const char *p)
{
	const struct frame *f = &s->stack[s->depth - 1];

	p = skip_white(s, p);
	if (p == s->end)
		return lex_set_unexpected(s, p, "");
	if (*p == ',') {
		s->value = true;
		return f->close == '}'
		    ? read_member_name(s,
		    skip_white(s, p + 1))
		    : p + 1;
	}
	if (*p != f->close)
		return lex_set_unexpected(s, p, "expected a comma or the end");
	return end_container(s, p);
}

static inline const char *
read_scalar(struct scan *s, const char *p)
{
	const char *from = p;
	enum json_type type = JSON_NUMBER;
	unsigned int flags = 0;

	if (*p == '"') {
		type = JSON_STRING;
		p = read_string(s, p, &flags);
	} else if (*p == '-' || (*p >= '0' && *p <= '9')) {
		p = read_number(s, p, &flags);
	} else if (*p == 't') {
		type = JSON_TRUE;
		p = lex_match_word(s, p, "true", 4);
	} else if (*p == 'f') {
		type = JSON_FALSE;
		p = lex_match_word(s, p, "false", 5);
	} else if (*p == 'n') {
		type = JSON_NULL;
		p = lex_match_word(s, p, "null", 4);
	} else {
		return lex_set_unexpected(s, p, "expected a value");
	}
	if (p == NULL)
		return NULL;
	s->j->flags |= (uint8_t)flags;
	if (value_has_token(s) && !store_token(s, type, from, p, flags))
		return lex_set_nomem(s);
	return p;
}

static const char *
read_value(struct scan *s, const char *p)
{
	s->value = true;
	while (p != NULL && (s->value || s->depth > 0)) {
		if (!s->value) {
			p = read_separator(s, p);
			continue;
		}
		p = skip_white(s, p);
		if (p == s->end)
			return lex_set_unexpected(s, p, "");
		s->value = false;
		if (s->depth > 0)
			s->stack[s->depth - 1].members++;
		p = *p == '{' || *p == '[' ? begin_container(s, p)
		    : read_scalar(s, p);
	}
	return p;
}

int
json_scan(struct json *j, const char *text, size_t len,
    unsigned int levels_with_tokens, enum json_members dup,
    struct json_fault *f)
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
	s.levels = levels_with_tokens;
	s.unique = dup == JSON_UNIQUE;
	if (len > UINT32_MAX)
		p = lex_set_fault(&s, text, "parse", "longer than 4 GiB");
	else
		p = read_value(&s, skip_blanks(text, s.end));
	if (p != NULL && (p = skip_blanks(p, s.end)) != s.end)
		p = lex_set_unexpected(&s, p, "expected the end of the text");
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
