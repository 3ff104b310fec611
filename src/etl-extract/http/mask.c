#include "http/mask.h"

#include "base/base64.h"
#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
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

static size_t
unescape(const char *p, const char *end, char out[4], size_t *n)
{
	if (*p == '%')
		return unescape_percent(p, end, out, n);
	if (*p == '\\')
		return unescape_json(p, end, out, n);
	return *p == '&' ? unescape_html(p, end, out, n) : 0;
}

/* True if p may be the start of an escape whose rest was cut off at `end`. */
static bool
is_cut_escape(const char *p, const char *end)
{
	return (*p == '%' && end - p < PERCENT_LEN) ||
	    (*p == '\\' && end - p < JSON_LEN) ||
	    (*p == '&' && end - p < HTML_MAX &&
		memchr(p, ';', (size_t)(end - p)) == NULL);
}

/* Finds the copies of a secret in a text. A copy may be escaped: up to five
 * escapes in any order, one inside the other, such as HTML in JSON and a
 * percent-encoding of a percent-encoding. A space, "+" and "-" count as equal,
 * because HTML forms write a space as "+" and base64url writes "+" as "-". "/"
 * and "_" count as equal for the same reason.
 * Gives: 1 if the text contains a copy, else 0. Sets marks[i], for each byte i
 *        of the text that belongs to a copy, to 1.
 * Fails: with -1 if memory is out. */

struct secret_text {
	const char *p;
	size_t n;
	bool is_cut;            /* more text followed, so the start of the
				 * secret at the end counts as a copy */
	bool is_strict;         /* half of a secret, if it has 8 bytes or more,
				 * counts as a copy, and so does one that
				 * differs in upper and lower case */
};

/* ROUNDS: how often a text is decoded: three times for percent-encodings, once
 * for JSON and once for HTML. Each round decodes escapes of all three kinds.
 * SHORTEST: a shorter secret, or a shorter start of one, is not looked for.
 * SHORTEST_PART: the same for a part of a secret. */
enum { ROUNDS = 5, SHORTEST = 3, SHORTEST_PART = 8 };

/* A text that is decoded in place. The byte text[i] stands for the bytes from
 * from[i] to from[i + 1] of the source, the text before any decoding. */
struct decoded {
	char *text;
	size_t *from;
	size_t n, source_len;
	bool ignores_case;
};

static void
decoded_release(struct decoded *d)
{
	if (d->text != NULL)
		explicit_bzero(d->text, d->source_len);
	free(d->text);
	free(d->from);
}

/* Returns one and the same byte for all bytes that count as equal. */
static char
comparable_byte(const struct decoded *d, char c)
{
	if (c == '+' || c == '-')
		return ' ';
	if (c == '_')
		return '/';
	if (d->ignores_case)
		c = (char)tolower((unsigned char)c);
	return c;
}

static int
decoded_init(
    struct decoded *d, const char *p, size_t n, bool ignores_case)
{
	memset(d, 0, sizeof(*d));
	d->ignores_case = ignores_case;
	d->text = malloc(n + 1);
	d->from = calloc(n + 1, sizeof(*d->from));
	if (d->text == NULL || d->from == NULL) {
		decoded_release(d);
		return -1;
	}
	d->n = d->source_len = n;
	for (size_t i = 0; i < n; i++) {
		d->text[i] = comparable_byte(d, p[i]);
		d->from[i] = i;
	}
	d->from[n] = n;
	return 0;
}

/* Decodes each escape of the text once. Returns false if the text contains no
 * escape. If the text was cut, removes an escape that the cut has split from
 * its end. */
static bool
decode_once(struct decoded *d, bool is_cut)
{
	const char *end = d->text + d->n;
	size_t to = 0, at = 0, len, got;
	char out[4];

	for (; at < d->n; at += len) {
		size_t source = d->from[at];

		len = unescape(d->text + at, end, out, &got);
		if (len == 0) {
			if (is_cut && is_cut_escape(d->text + at, end))
				break;
			out[0] = d->text[at];
			len = got = 1;
		}
		for (size_t i = 0; i < got; i++, to++) {
			d->text[to] = comparable_byte(d, out[i]);
			d->from[to] = source;
		}
	}
	if (to == d->n)
		return false;
	d->from[to] = d->from[at];
	d->n = to;
	return true;
}

static int
mark_copies(const struct decoded *d, const struct decoded *secret, char *marks)
{
	const char *p = d->text, *end = d->text + d->n;
	int found = 0;

	while ((p = memmem(p, (size_t)(end - p), secret->text, secret->n)) !=
	    NULL) {
		size_t at = (size_t)(p - d->text), from = d->from[at];

		memset(marks + from, 1, d->from[at + secret->n] - from);
		found = 1;
		p += secret->n;
	}
	return found;
}

/* Marks each part of the text that equals at least half of the secret. Such a
 * part contains one of the blocks into which the secret is divided here, so it
 * is enough to look for the blocks and to compare the bytes around them. */
static int
mark_halves(const struct decoded *d, const struct decoded *secret, char *marks)
{
	const size_t half = (secret->n + 1) / 2;
	const size_t least = half > SHORTEST_PART ? half : SHORTEST_PART;
	const size_t block = least / 2;
	const char *end = d->text + d->n, *p;
	int found = 0;

	for (size_t k = 0; k + block <= secret->n && least < secret->n;
	     k += block)
		for (p = d->text; (p = memmem(p, (size_t)(end - p),
		    secret->text + k, block)) != NULL; p++) {
			size_t at = (size_t)(p - d->text), first = at;
			size_t last = at + block, in = k + block;

			while (first > 0 && first + k > at &&
			    d->text[first - 1] ==
				secret->text[k - (at - first) - 1])
				first--;
			while (last < d->n && in < secret->n &&
			    d->text[last] == secret->text[in]) {
				last++;
				in++;
			}
			if (last - first < least)
				continue;
			memset(marks + d->from[first], 1,
			    d->from[last] - d->from[first]);
			found = 1;
			p = d->text + last - 1;
		}
	return found;
}

/* Marks the end of the text if it is the start of the secret. */
static int
mark_cut_start(const struct decoded *d, const struct decoded *secret,
    char *marks)
{
	size_t k = secret->n - 1 < d->n ? secret->n - 1 : d->n, from;

	while (k >= SHORTEST &&
	    memcmp(d->text + d->n - k, secret->text, k) != 0)
		k--;
	if (k < SHORTEST)
		return 0;
	from = d->from[d->n - k];
	memset(marks + from, 1, d->source_len - from);
	return 1;
}

/* Looks for the secret, in the form that find_secret() has decoded so far, in
 * the text before and after each round of decoding. */
static int
find_decoded(const struct secret_text *text, const struct decoded *secret,
    char *marks)
{
	struct decoded d;
	unsigned round = 0;
	int found = 0;

	if (decoded_init(&d, text->p, text->n, text->is_strict) == -1)
		return -1;
	do {
		found |= mark_copies(&d, secret, marks);
		if (text->is_strict)
			found |= mark_halves(&d, secret, marks);
		if (text->is_cut)
			found |= mark_cut_start(&d, secret, marks);
	} while (round++ < ROUNDS && decode_once(&d, text->is_cut));
	decoded_release(&d);
	return found;
}

/* A secret of less than 3 bytes is never found, because nearly every text
 * contains such a short text by chance. The secret itself may contain escapes.
 * It is looked for after each round of decoding it, because a server may decode
 * it before it repeats it, or may escape only some of the characters. */
static int
find_secret(const struct secret_text *text, const char *secret, size_t n,
    char *marks)
{
	struct decoded d;
	unsigned round = 0;
	int found = 0, one;

	if (decoded_init(&d, secret, n, text->is_strict) == -1)
		return -1;
	do {
		one = d.n < SHORTEST ? 0 : find_decoded(text, &d, marks);
		found = one == -1 ? -1 : found | one;
	} while (one != -1 && round++ < ROUNDS &&
	    decode_once(&d, false));
	decoded_release(&d);
	return found;
}

enum { VALUE_MAX = 64 << 10 };

/* The texts that must not be shown if an answer contains them: the secret, also
 * without the "=" at its end; with --auth basic and oauth2 the base64 text that
 * was sent; with --auth basic the password; with oauth2 the token. */
enum secret_value { VALUE_SECRET, VALUE_UNPADDED, VALUE_BASE64, VALUE_PASSWORD,
	VALUE_TOKEN, VALUES };

/* A service may repeat base64 text without the "=" at its end. */
static void
remove_padding(struct buf *b)
{
	while (b->len > 0 && b->data[b->len - 1] == '=')
		b->len--;
}

/* Appends one of the secret texts, or nothing if there is no such text. With
 * --auth basic and an empty password, the user name counts as the password:
 * some services expect a token as the user name. */
static void
put_secret_value(
    struct buf *b, const struct credentials *c, enum secret_value which)
{
	const char *s = c->secret, *colon = strchr(s, ':');

	if (which == VALUE_SECRET) {
		buf_str(b, s);
	} else if (which == VALUE_UNPADDED) {
		buf_str(b, s);
		remove_padding(b);
	} else if (which == VALUE_TOKEN) {
		buf_str(b, c->token == NULL ? "" : c->token);
	} else if (which == VALUE_BASE64 && c->client != NULL) {
		base64_put(b, c->client, strlen(c->client));
		remove_padding(b);
	} else if (strcmp(c->auth, "basic") != 0 || colon == NULL) {
		return;
	} else if (which == VALUE_PASSWORD) {
		if (colon[1] != '\0')
			buf_str(b, colon + 1);
		else
			buf_add(b, s, (size_t)(colon - s));
	} else {
		base64_put(b, s, strlen(s));
		remove_padding(b);
	}
}

/* Sets marks[i] to 1 for each byte of the text that belongs to a secret.
 * Returns 1 if there is such a byte, 0 if not, -1 if memory is out. Half of
 * USER:PASSWORD does not count: it may be the user name, which is no secret. */
static int
mark_all_values(const struct credentials *c, const struct secret_text *given,
    char *marks)
{
	const bool is_basic = strcmp(c->auth, "basic") == 0;
	struct secret_text text = *given;
	struct buf value;
	int found = 0, one;

	buf_init(&value, VALUE_MAX);
	for (enum secret_value i = VALUE_SECRET; i < VALUES && found != -1;
	     i++) {
		buf_clear(&value);
		put_secret_value(&value, c, i);
		text.is_strict = given->is_strict && (!is_basic ||
		    i == VALUE_BASE64 || i == VALUE_PASSWORD);
		one = value.failed ? -1 : value.len == 0 ? 0 :
		    find_secret(&text, value.data, value.len, marks);
		found = one == -1 ? -1 : found | one;
	}
	if (value.data != NULL)
		explicit_bzero(value.data, value.cap);
	buf_release(&value);
	return found;
}

/* Returns true also if memory is out: the caller then neither shows nor sends
 * the text. */
static bool
is_secret_in(const struct credentials *c, const struct secret_text *text)
{
	char *marks;
	bool found;

	if (c->secret == NULL || text->n == 0)
		return false;
	if ((marks = calloc(text->n, 1)) == NULL)
		return true;
	found = mark_all_values(c, text, marks) != 0;
	free(marks);
	return found;
}

bool
credentials_in_url(const struct credentials *c, const char *p, size_t n)
{
	return is_secret_in(c,
	    &(struct secret_text){ .p = p, .n = n, .is_strict = true });
}

bool
credentials_in_cut(const struct credentials *c, const char *p, size_t n)
{
	return is_secret_in(c,
	    &(struct secret_text){ .p = p, .n = n, .is_cut = true,
		.is_strict = true });
}

/* Returns false if memory is out. */
static bool
replace_marked(struct buf *b, const char *marks)
{
	struct buf masked;
	size_t n = b->len;
	bool ok;

	buf_init(&masked, b->max);
	for (size_t i = 0; i < n; i++)
		if (!marks[i])
			buf_char(&masked, b->data[i]);
		else if (i == 0 || !marks[i - 1])
			buf_str(&masked, "***");
	ok = !masked.failed;
	if (ok) {
		buf_clear(b);
		buf_add(b, masked.data, masked.len);
	}
	buf_release(&masked);
	return ok;
}

/* Replaces each copy of the secret by ***. If memory is out, replaces the whole
 * text by *** and returns false. */
static bool
mask_text(const struct credentials *c, struct buf *b, bool is_cut,
    bool is_strict)
{
	const struct secret_text text = { b->data, b->len, is_cut, is_strict };
	char *marks;
	bool ok;

	if (c->secret == NULL || b->len == 0)
		return true;
	marks = calloc(b->len, 1);
	ok = marks != NULL && mark_all_values(c, &text, marks) != -1 &&
	    replace_marked(b, marks);
	free(marks);
	if (!ok) {
		buf_clear(b);
		buf_str(b, "***");
	}
	return ok;
}

int
credentials_mask(const struct credentials *c, struct buf *b, struct err *e)
{
	if (buf_check(b, e) == -1)
		return -1;
	return mask_text(c, b, false, false) ? buf_check(b, e) : err_nomem(e);
}

void
credentials_mask_msg(const struct credentials *c, struct buf *b)
{
	(void)mask_text(c, b, false, true);
}

void
credentials_mask_cut(const struct credentials *c, struct buf *b)
{
	(void)mask_text(c, b, true, true);
}
