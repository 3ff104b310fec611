#include "http/unescape.h"

#include "base/hex.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* HTML_MAX: the longest escape of HTML that unescape() knows, with & and ; */
enum { HTML_MAX = 20, JSON_LEN = 6, PAIR_LEN = 12,
	PERCENT_LEN = 3 };

static const struct html_name {
	const char *name;
	char c;
} html_names[] = {
	{ "amp", '&' }, { "apos", '\'' }, { "ast", '*' }, { "bsol", '\\' },
	{ "colon", ':' }, { "comma", ',' }, { "commat", '@' },
	{ "diacriticalgrave", '`' }, { "dollar", '$' }, { "equals", '=' },
	{ "excl", '!' }, { "grave", '`' }, { "gt", '>' }, { "hat", '^' },
	{ "lbrace", '{' }, { "lbrack", '[' }, { "lcub", '{' },
	{ "lowbar", '_' }, { "lpar", '(' }, { "lsqb", '[' }, { "lt", '<' },
	{ "midast", '*' }, { "num", '#' }, { "percnt", '%' },
	{ "period", '.' }, { "plus", '+' }, { "quest", '?' },
	{ "quot", '"' }, { "rbrace", '}' }, { "rbrack", ']' },
	{ "rcub", '}' }, { "rpar", ')' }, { "rsqb", ']' }, { "semi", ';' },
	{ "sol", '/' }, { "underbar", '_' }, { "verbar", '|' },
	{ "verticalline", '|' }, { "vert", '|' },
};

static size_t
unescape_percent(const char *p, const char *end, char out[4], size_t *n)
{
	if (end - p < PERCENT_LEN || hex_byte_value(p + 1) == -1)
		return 0;
	out[0] = (char)hex_byte_value(p + 1);
	*n = 1;
	return PERCENT_LEN;
}

/* JSON writes a character above U+FFFF as two escapes, a surrogate pair. */
static size_t
unescape_json(const char *p, const char *end, char out[4], size_t *n)
{
	static const char letters[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
	const char *at = end - p < 2 || p[1] == '\0' ? NULL :
	    strchr(letters, p[1]);
	int high, low;

	if (at != NULL) {
		out[0] = chars[at - letters];
		*n = 1;
		return 2;
	}
	if (end - p < JSON_LEN || p[1] != 'u' ||
	    (high = text_parse_hex4(p + 2, end)) == -1)
		return 0;
	if (high >= 0xd800 && high < 0xdc00 && end - p >= PAIR_LEN &&
	    p[JSON_LEN] == '\\' && p[JSON_LEN + 1] == 'u') {
		low = text_parse_hex4(p + JSON_LEN + 2, end);
		if (low >= 0xdc00 && low < 0xe000) {
			*n = utf8_encode(out, 0x10000u +
			    ((unsigned)(high - 0xd800) << 10) +
			    (unsigned)(low - 0xdc00));
			return PAIR_LEN;
		}
	}
	*n = utf8_encode(out, (unsigned)high);
	return JSON_LEN;
}

/* Returns the character of "#43", "#x2b" or "plus", or 0. */
static unsigned long
find_html_char(const char *name)
{
	bool is_hex = name[0] == '#' && (name[1] | 0x20) == 'x';
	const char *digits = name + (is_hex ? 2 : 1);
	char *rest;
	unsigned long v;

	if (name[0] == '#') {
		if (!isxdigit((unsigned char)*digits))
			return 0;
		v = strtoul(digits, &rest, is_hex ? 16 : 10);
		return *rest == '\0' && v <= 0x10ffff ? v : 0;
	}
	for (size_t i = 0; i < sizeof(html_names) / sizeof(*html_names); i++)
		if (strcasecmp(html_names[i].name, name) == 0)
			return (unsigned char)html_names[i].c;
	return 0;
}

static size_t
unescape_html(const char *p, const char *end, char out[4], size_t *n)
{
	size_t most = end - p < HTML_MAX ? (size_t)(end - p) : HTML_MAX;
	const char *semicolon = memchr(p, ';', most);
	char name[HTML_MAX] = { 0 };
	unsigned long c;

	if (semicolon == NULL)
		return 0;
	memcpy(name, p + 1, (size_t)(semicolon - p) - 1);
	if ((c = find_html_char(name)) == 0)
		return 0;
	*n = utf8_encode(out, (unsigned)c);
	return (size_t)(semicolon - p) + 1;
}

size_t
unescape(const char *p, const char *end, char out[4], size_t *n)
{
	if (*p == '%')
		return unescape_percent(p, end, out, n);
	if (*p == '\\')
		return unescape_json(p, end, out, n);
	return *p == '&' ? unescape_html(p, end, out, n) : 0;
}

bool
is_cut_escape(const char *p, const char *end)
{
	return (*p == '%' && end - p < PERCENT_LEN) ||
	    (*p == '\\' && end - p < JSON_LEN) ||
	    (*p == '&' && end - p < HTML_MAX &&
		memchr(p, ';', (size_t)(end - p)) == NULL);
}
