#include "json/name.h"

#include "base/text.h"
#include "json/span.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

size_t
escape_decode(const char *p, unsigned int *cp)
{
	static const char means[UCHAR_MAX + 1] = { ['b'] = '\b', ['f'] = '\f',
		['n'] = '\n', ['r'] = '\r', ['t'] = '\t' };
	const unsigned char letter = (unsigned char)p[1];
	unsigned int low;

	if (letter != 'u') {
		*cp = means[letter] != '\0' ? (unsigned char)means[letter] :
		    letter;
		return 2;
	}
	*cp = (unsigned int)text_parse_hex4(p + 2, p + 6);
	if (*cp < 0xd800 || *cp > 0xdbff || p[6] != '\\' || p[7] != 'u')
		return 6;
	low = (unsigned int)text_parse_hex4(p + 8, p + 12);
	if (low < 0xdc00 || low > 0xdfff)
		return 6;
	*cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
	return 12;
}

void
name_iter_begin(
    struct name_iter *it, const struct json_tok *t, const char *text)
{
	*it = (struct name_iter){
		.p = text + t->at + 1, .end = text + t->at + t->len - 1
	};
}

int
name_iter_next(struct name_iter *it)
{
	unsigned int cp;

	if (it->i < it->n)
		return it->out[it->i++];
	if (it->p == it->end)
		return -1;
	if (*it->p != '\\')
		return (unsigned char)*it->p++;
	it->p += escape_decode(it->p, &cp);
	/* A lone surrogate becomes three bytes that never occur in UTF-8, so
	 * that it equals no other character. */
	if (cp >= 0xd800 && cp <= 0xdfff) {
		it->out[0] = 0xff;
		it->out[1] = (unsigned char)(cp >> 8);
		it->out[2] = (unsigned char)cp;
		it->n = 3;
	} else {
		char utf8[4];

		it->n = (unsigned int)utf8_encode(utf8, cp);
		memcpy(it->out, utf8, sizeof(utf8));
	}
	it->i = 1;
	return it->out[0];
}

int
name_compare(
    const struct json_tok *a, const struct json_tok *b, const char *text)
{
	struct name_iter x, y;
	uint32_t least = a->len < b->len ? a->len : b->len;
	int c, d;

	if (((a->flags | b->flags) & JSON_ESCAPED) == 0) {
		c = memcmp(text + a->at, text + b->at, least - 1);
		return c ? c : (a->len > b->len) - (a->len < b->len);
	}
	name_iter_begin(&x, a, text);
	name_iter_begin(&y, b, text);
	do {
		c = name_iter_next(&x);
		d = name_iter_next(&y);
	} while (c == d && c != -1);
	return c - d;
}

int
name_compare_text(const struct json_tok *t, const char *text, const char *name,
    size_t len)
{
	struct name_iter it;
	size_t i = 0, n = t->len - 2;
	int c, d;

	if ((t->flags & JSON_ESCAPED) == 0) {
		c = memcmp(text + t->at + 1, name, n < len ? n : len);
		return c ? c : (n > len) - (n < len);
	}
	name_iter_begin(&it, t, text);
	do {
		c = name_iter_next(&it);
		d = i < len ? (unsigned char)name[i++] : -1;
	} while (c == d && c != -1);
	return c - d;
}

bool
name_equals(const struct json *j, uint32_t a, uint32_t b)
{
	const struct json_tok *x = &j->tok[a], *y = &j->tok[b];

	if (((x->flags | y->flags) & JSON_ESCAPED) == 0)
		return x->len == y->len && memcmp(j->text + x->at,
		    j->text + y->at, x->len) == 0;
	return name_compare(x, y, j->text) == 0;
}

/* Hashes only the length and the first and last eight bytes, so that long names
 * take no more time than short ones. If many names of an attacker have the same
 * hash, the names are sorted instead. The two constants are odd numbers with
 * well mixed bits, as in Fibonacci hashing. */
static uint32_t
hash(const char *p, size_t n)
{
	uint64_t head = 0, tail = n;

	if (n >= 8) {
		head = span_load(p);
		tail = span_load(p + n - 8);
	} else {
		for (size_t i = 0; i < n; i++)
			head = head << 8 | (unsigned char)p[i];
	}
	head = (head * UINT64_C(0x9e3779b97f4a7c15)) ^ tail;
	return (uint32_t)(head * UINT64_C(0xd6e8feb86659fd93) >> 32);
}

uint32_t
name_hash(const struct json *j, uint32_t i)
{
	const struct json_tok *t = &j->tok[i];
	struct name_iter it;
	char ends[16];
	size_t n = 0;
	int c;

	if ((t->flags & JSON_ESCAPED) == 0)
		return hash(j->text + t->at + 1, t->len - 2);
	name_iter_begin(&it, t, j->text);
	while ((c = name_iter_next(&it)) != -1) {
		if (n == sizeof(ends)) {
			memmove(ends + 8, ends + 9, 7);
			n--;
		}
		ends[n++] = (char)c;
	}
	return hash(ends, n);
}

/* A slot of a hash table with open addressing: the index of a name's token
 * and its hash. Index 0 means that the slot is free, since token 0 is never
 * a name. */
struct slot {
	uint32_t tok, hash;
};

/* Inserts a name into the hash table. Returns 0 if the name is new, 1 if an
 * equal name is in the table, and -1 if there were too many collisions. Then
 * somebody has probably chosen names with equal hashes to slow the program
 * down, and the caller sorts the names instead. */
static int
insert_name(struct slot *table, uint32_t mask, const struct json *j, uint32_t i,
    uint64_t *steps_left)
{
	uint32_t h = name_hash(j, i), at = h & mask;

	for (; table[at].tok != 0; at = (at + 1) & mask) {
		if (table[at].hash == h && name_equals(j, table[at].tok, i))
			return 1;
		if ((*steps_left)-- == 0)
			return -1;
	}
	table[at] = (struct slot){ .tok = i, .hash = h };
	return 0;
}

static int
by_name(const void *a, const void *b, void *j)
{
	const struct json *text = j;

	return name_compare(&text->tok[*(const uint32_t *)a],
	    &text->tok[*(const uint32_t *)b], text->text);
}

/* Does the work of name_find_duplicate() by sorting the n names. */
static int
find_by_sorting(const struct json *j, uint32_t obj, uint32_t n,
    uint32_t *second)
{
	uint32_t *v = malloc(n * sizeof(*v)), i = obj + 1;
	int rc = 0;

	if (v == NULL)
		return -1;
	for (uint32_t k = 0; k < n; k++, i = j->tok[i + 1].next)
		v[k] = i;
	qsort_r(v, n, sizeof(*v), by_name, (void *)(uintptr_t)j);
	for (uint32_t k = 1; k < n && rc == 0; k++)
		if (name_equals(j, v[k - 1], v[k])) {
			*second = v[k] > v[k - 1] ? v[k] : v[k - 1];
			rc = 1;
		}
	free(v);
	return rc;
}

int
name_find_duplicate(const struct json *j, uint32_t obj, uint32_t *second)
{
	struct slot some[256], *table = some;
	uint32_t n = 0, size = 16;
	uint64_t steps;
	int rc = 0;

	for (uint32_t i = obj + 1; i < j->tok[obj].next; i = j->tok[i + 1].next)
		n++;
	while (size < 2 * (uint64_t)n)
		size *= 2;
	if (size > sizeof(some) / sizeof(some[0]) &&
	    (table = malloc(size * sizeof(*table))) == NULL)
		return -1;
	memset(table, 0, size * sizeof(*table));
	steps = 8 * (uint64_t)n;
	for (uint32_t i = obj + 1; rc == 0 && i < j->tok[obj].next;
	    i = j->tok[i + 1].next)
		if ((rc = insert_name(table, size - 1, j, i, &steps)) == 1)
			*second = i;
	if (table != some)
		free(table);
	return rc == -1 ? find_by_sorting(j, obj, n, second) : rc;
}

uint32_t
json_member_value(
    const struct json *j, uint32_t obj, const char *name, size_t len)
{
	uint32_t found = 0, end = j->tok[obj].next;

	for (uint32_t i = obj + 1; i < end; i = j->tok[i + 1].next) {
		const struct json_tok *t = &j->tok[i];

		if (t->flags & JSON_ESCAPED) {
			if (name_compare_text(t, j->text, name, len) == 0)
				found = i + 1;
		} else if (t->len == len + 2 &&
		    memcmp(j->text + t->at + 1, name, len) == 0) {
			found = i + 1;
		}
	}
	return found;
}
