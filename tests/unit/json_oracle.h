/* A second implementation of the grammar of RFC 8259 and RFC 3629, simple and
 * slow, with which the tests compare the scanner. */
#ifndef JSON_ORACLE_H
#define JSON_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct oracle {
	const unsigned char *p, *end;
};

static bool oracle_value(struct oracle *o);

static inline void
oracle_ws(struct oracle *o)
{
	while (o->p < o->end && *o->p != '\0' && strchr(" \t\n\r", *o->p))
		o->p++;
}

static inline bool
oracle_char(struct oracle *o, unsigned char low, unsigned char high)
{
	if (o->p == o->end || *o->p < low || *o->p > high)
		return false;
	o->p++;
	return true;
}

static inline bool
oracle_word(struct oracle *o, const char *word)
{
	while (*word != '\0')
		if (!oracle_char(o, (unsigned char)*word, (unsigned char)*word))
			return false;
		else
			word++;
	return true;
}

static inline bool
oracle_digits(struct oracle *o)
{
	bool any = false;

	while (oracle_char(o, '0', '9'))
		any = true;
	return any;
}

static inline bool
oracle_number(struct oracle *o)
{
	(void)oracle_char(o, '-', '-');
	if (!oracle_char(o, '0', '0') && !oracle_digits(o))
		return false;
	if (oracle_char(o, '.', '.') && !oracle_digits(o))
		return false;
	if (oracle_char(o, 'e', 'e') || oracle_char(o, 'E', 'E')) {
		if (!oracle_char(o, '+', '+'))
			(void)oracle_char(o, '-', '-');
		return oracle_digits(o);
	}
	return true;
}

/* The rows of the ABNF in RFC 3629, section 4. */
static inline bool
oracle_utf8(struct oracle *o)
{
	static const struct {
		unsigned char first, last, low, high, more;
	} rows[] = {
		{ 0x20, 0x7f, 0, 0, 0 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 1 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 2 },
		{ 0xe1, 0xec, 0x80, 0xbf, 2 },
		{ 0xed, 0xed, 0x80, 0x9f, 2 },
		{ 0xee, 0xef, 0x80, 0xbf, 2 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 3 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 3 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 3 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!oracle_char(o, rows[i].first, rows[i].last))
			continue;
		if (rows[i].more > 0 &&
		    !oracle_char(o, rows[i].low, rows[i].high))
			return false;
		for (int n = 1; n < rows[i].more; n++)
			if (!oracle_char(o, 0x80, 0xbf))
				return false;
		return true;
	}
	return false;
}

static inline bool
oracle_hex(struct oracle *o)
{
	return oracle_char(o, '0', '9') || oracle_char(o, 'a', 'f') ||
	    oracle_char(o, 'A', 'F');
}

static inline bool
oracle_string(struct oracle *o)
{
	if (!oracle_char(o, '"', '"'))
		return false;
	while (!oracle_char(o, '"', '"')) {
		if (!oracle_char(o, '\\', '\\')) {
			if (!oracle_utf8(o))
				return false;
		} else if (oracle_char(o, 'u', 'u')) {
			for (int i = 0; i < 4; i++)
				if (!oracle_hex(o))
					return false;
		} else if (o->p == o->end || *o->p == '\0' ||
		    !strchr("\"\\/bfnrt", *o->p++)) {
			return false;
		}
	}
	return true;
}

/* Reads an object or an array after its opening bracket. */
static inline bool
oracle_rest(struct oracle *o, unsigned char close)
{
	oracle_ws(o);
	if (oracle_char(o, close, close))
		return true;
	do {
		oracle_ws(o);
		if (close == '}') {
			if (!oracle_string(o))
				return false;
			oracle_ws(o);
			if (!oracle_char(o, ':', ':'))
				return false;
		}
		if (!oracle_value(o))
			return false;
	} while (oracle_char(o, ',', ','));
	return oracle_char(o, close, close);
}

static bool
oracle_value(struct oracle *o)
{
	bool ok;

	oracle_ws(o);
	if (o->p == o->end)
		return false;
	switch (*o->p) {
	case '{':
		o->p++;
		ok = oracle_rest(o, '}');
		break;
	case '[':
		o->p++;
		ok = oracle_rest(o, ']');
		break;
	case '"':
		ok = oracle_string(o);
		break;
	case 't':
		ok = oracle_word(o, "true");
		break;
	case 'f':
		ok = oracle_word(o, "false");
		break;
	case 'n':
		ok = oracle_word(o, "null");
		break;
	default:
		ok = oracle_number(o);
	}
	oracle_ws(o);
	return ok;
}

static inline bool
oracle_valid(const char *text, size_t n)
{
	struct oracle o = {
		(const unsigned char *)text, (const unsigned char *)text + n
	};

	return oracle_value(&o) && o.p == o.end;
}

#endif
