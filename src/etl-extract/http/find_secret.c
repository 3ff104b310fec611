#include "http/find_secret.h"

#include "http/unescape.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

/* The secret itself may contain escapes. It is looked for after each round of
 * decoding it, because a server may decode it before it repeats it, or may
 * escape only some of the characters. */
int
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
