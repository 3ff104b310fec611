#include "json/lex.h"

#include "base/text.h"

const char *
lex_set_fault(struct scan *s, const char *at, const char *code, const char *why)
{
	*s->f = (struct json_fault){
		.code = code, .why = why, .at = (size_t)(at - s->j->text)
	};
	return NULL;
}

const char *
lex_set_nomem(struct scan *s)
{
	*s->f = (struct json_fault){
		.code = "memory", .why = "out of memory", .nomem = true
	};
	return NULL;
}

/* Reports that JSON's grammar does not allow the character at p, or the end of
 * the text, at this place. other_reason is the message, such as "expected a
 * colon"; bytes that are not UTF-8 and a byte order mark have messages of their
 * own. */
const char *
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

const char *
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

const char *
lex_match_word(struct scan *s, const char *p, const char *word, size_t n)
{
	size_t left = (size_t)(s->end - p), i = 0;

	while (i < n && i < left && p[i] == word[i])
		i++;
	return i == n ? p + n : lex_set_unexpected(s, p + i, "unknown word");
}

