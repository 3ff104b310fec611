#include "json/canonical.h"

#include "json/name.h"
#include "json/number.h"
#include "json/write.h"

#include <stdlib.h>

/* The members of an object must be sorted. If there are at most FEW, this needs
 * no allocated memory. */
enum { FEW = 32 };

struct canonical {
	struct buf *out;
	const struct json *j;
	struct buf text;        /* a string without its escapes */
	bool exact;             /* all numbers so far are known exactly */
};

static void put_value(struct canonical *c, uint32_t i);

/* Compares the first bytes in which two names differ. The order of UTF-16 is
 * that of UTF-8 with one exception: a character beyond U+FFFF, whose first byte
 * is 0xf0 or more, has two code units, and the first of them is less than the
 * characters from U+E000 to U+FFFF, whose first byte is 0xee or 0xef. */
static int
compare_as_utf16(int a, int b)
{
	if (a >= 0xee && b >= 0xee && (a >= 0xf0) != (b >= 0xf0))
		return a >= 0xf0 ? -1 : 1;
	return a - b;
}

int
json_compare_names(const char *a, const char *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	return compare_as_utf16((unsigned char)*a, (unsigned char)*b);
}

/* Sorts by name. Of several members of the same name, the last comes first,
 * because it is the one that counts. */
static int
by_canonical_name(const void *a, const void *b, void *json)
{
	const struct json *j = json;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	struct name_iter p, q;
	int c, d;

	name_iter_begin(&p, &j->tok[x], j->text);
	name_iter_begin(&q, &j->tok[y], j->text);
	do {
		c = name_iter_next(&p);
		d = name_iter_next(&q);
	} while (c == d && c != -1);
	return c != d ? compare_as_utf16(c, d) : (x < y) - (x > y);
}

/* Appends the string of token i. A string without escapes is copied as it
 * is. */
static void
put_string_token(struct canonical *c, uint32_t i)
{
	const struct json_tok *t = &c->j->tok[i];

	if ((t->flags & JSON_ESCAPED) == 0) {
		buf_add(c->out, c->j->text + t->at, t->len);
		return;
	}
	buf_clear(&c->text);
	json_unescape(&c->text, c->j, i);
	json_put_canon_string(c->out, c->text.data, c->text.len);
}

static void
put_array(struct canonical *c, uint32_t i)
{
	const struct json_tok *tok = c->j->tok;
	const char *before = "[";

	if (tok[i].next == i + 1)
		buf_char(c->out, '[');
	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k].next) {
		buf_str(c->out, before);
		put_value(c, k);
		before = ",";
	}
	buf_char(c->out, ']');
}

/* Appends an object with these n names, which are sorted. Of equal names only
 * the first counts. */
static void
put_members(struct canonical *c, const uint32_t *names, uint32_t n)
{
	bool more = false;

	buf_char(c->out, '{');
	for (uint32_t k = 0; k < n; k++) {
		if (k > 0 && name_equals(c->j, names[k - 1], names[k]))
			continue;
		if (more)
			buf_char(c->out, ',');
		more = true;
		put_string_token(c, names[k]);
		buf_char(c->out, ':');
		put_value(c, names[k] + 1);
	}
	buf_char(c->out, '}');
}

/* Sorts the names of the object at token i and appends its members. */
static void
put_object(struct canonical *c, uint32_t i)
{
	const struct json_tok *tok = c->j->tok;
	uint32_t few[FEW], *names = few, n = 0;

	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k + 1].next)
		n++;
	if (n > FEW &&
	    (names = reallocarray(NULL, n, sizeof(*names))) == NULL) {
		c->out->failed = true;
		return;
	}
	n = 0;
	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k + 1].next)
		names[n++] = k;
	qsort_r(names, n, sizeof(*names), by_canonical_name,
	    (void *)(uintptr_t)c->j);
	put_members(c, names, n);
	if (names != few)
		free(names);
}

static void
put_value(struct canonical *c, uint32_t i)
{
	const struct json_tok *t = &c->j->tok[i];
	const char *text = c->j->text + t->at;

	switch (t->type) {
	case JSON_OBJECT:
		put_object(c, i);
		break;
	case JSON_ARRAY:
		put_array(c, i);
		break;
	case JSON_STRING:
		put_string_token(c, i);
		break;
	case JSON_NUMBER:
		c->exact &= number_put_ecma(c->out, text, t->len);
		break;
	default:
		buf_add(c->out, text, t->len);
	}
}

bool
json_put_canonical(struct buf *b, const struct json *j, uint32_t i)
{
	struct canonical c = { .out = b, .j = j, .exact = true };

	buf_init(&c.text, SIZE_MAX / 2);
	put_value(&c, i);
	b->failed |= c.text.failed;
	buf_release(&c.text);
	return c.exact;
}
