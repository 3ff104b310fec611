#include "keys.h"

#include "base/hash.h"
#include "json/number.h"
#include "json/write.h"
#include "row.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void
keyset_init(struct keyset *k)
{
	char hex[17];

	*k = (struct keyset){ 0 };
	buf_init(&k->bytes, SIZE_MAX / 2);
	random_hex(hex, 16);
	hex[16] = '\0';
	k->seed = strtoull(hex, NULL, 16) | 1;
}

void
keyset_release(struct keyset *k)
{
	buf_release(&k->bytes);
	free(k->v);
	free(k->slots);
	*k = (struct keyset){ 0 };
}

void
keyset_clear(struct keyset *k)
{
	buf_clear(&k->bytes);
	k->n = 0;
	k->hashed = false;
}

/* A multiplicative hash with a random seed, so that nobody can prepare input
 * whose keys all fall into one slot. */
static uint32_t
hash_key(const struct keyset *k, const char *p, size_t n)
{
	uint64_t h = k->seed ^ n, w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0x9fb21c651e98df25;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, p, n);
	h = (h ^ w) * 0x9fb21c651e98df25;
	h ^= h >> 29;
	h *= k->seed;
	return (uint32_t)(h >> 32);
}

/* Returns the slot of the hash table that holds the key, or, if the key is not
 * in the table, the free slot for this key. */
static uint32_t *
find_slot(const struct keyset *k, uint32_t h, const char *p, size_t n)
{
	for (size_t i = h & (k->cap - 1);; i = (i + 1) & (k->cap - 1)) {
		uint32_t at = k->slots[i];
		const struct keyset_entry *e = &k->v[at - (at > 0)];

		if (at == 0 || (e->hash == h && e->len == n &&
		    memcmp(k->bytes.data + e->at, p, n) == 0))
			return &k->slots[i];
	}
}

/* Makes sure that the hash table has at least four slots for each key, and
 * enters all keys again. Returns false if memory ran out. */
static bool
rehash(struct keyset *k)
{
	size_t cap = k->cap ? k->cap : 1024;
	uint32_t *slots;

	while (cap < 4 * (k->n + 1))
		cap *= 2;
	if (cap > k->cap) {
		if ((slots = malloc(cap * sizeof(*slots))) == NULL)
			return false;
		free(k->slots);
		k->slots = slots;
		k->cap = cap;
	}
	memset(k->slots, 0, k->cap * sizeof(*k->slots));
	for (size_t i = 0; i < k->n; i++) {
		struct keyset_entry *e = &k->v[i];
		const char *p = k->bytes.data + e->at;

		e->hash = hash_key(k, p, e->len);
		*find_slot(k, e->hash, p, e->len) = (uint32_t)i + 1;
	}
	k->hashed = true;
	return true;
}

static bool
make_key_room(struct keyset *k)
{
	size_t n = k->room ? k->room * 2 : 1024;
	struct keyset_entry *v;

	if (k->n == k->room) {
		if ((v = realloc(k->v, n * sizeof(*v))) == NULL)
			return false;
		k->v = v;
		k->room = n;
	}
	return !k->hashed || 2 * (k->n + 1) <= k->cap || rehash(k);
}

/* Returns true if the key is greater than the key that was added last. */
static bool
is_ascending(const struct keyset *k, const char *p, size_t n)
{
	const struct keyset_entry *e;
	int d;

	if (k->n == 0)
		return true;
	e = &k->v[k->n - 1];
	d = memcmp(p, k->bytes.data + e->at, n < e->len ? n : e->len);
	return d > 0 || (d == 0 && n > e->len);
}

uint32_t *
keyset_add(struct keyset *k, size_t at, uint32_t value, bool *nomem)
{
	size_t n = k->bytes.len - at;
	const char *p = k->bytes.data + at;
	struct keyset_entry new = { .at = at, .len = n, .value = value };
	uint32_t *s = NULL;

	*nomem = k->bytes.failed || !make_key_room(k);
	if (!*nomem && !k->hashed && !is_ascending(k, p, n))
		*nomem = !rehash(k);
	if (*nomem)
		return NULL;
	if (k->hashed) {
		new.hash = hash_key(k, p, n);
		s = find_slot(k, new.hash, p, n);
		if (*s != 0) {
			k->bytes.len = at;
			return &k->v[*s - 1].value;
		}
		*s = (uint32_t)k->n + 1;
	}
	k->v[k->n++] = new;
	return NULL;
}

uint32_t *
keyset_value(struct keyset *k, const char *p, size_t len, struct err *e)
{
	size_t at = k->bytes.len;
	uint32_t *value;
	bool nomem;

	buf_add(&k->bytes, p, len);
	value = keyset_add(k, at, 0, &nomem);
	if (nomem)
		(void)err_nomem(e);
	return nomem ? NULL : value != NULL ? value : &k->v[k->n - 1].value;
}

/* True for a column that compares texts byte by byte and stores them unchanged,
 * except for blanks at the end. */
static bool
is_plain_text(const struct column *c)
{
	return c->equal_as_bytes &&
	    (c->change == CHANGE_NONE || c->change == CHANGE_BLANKS);
}

static bool
is_uuid(const struct column *c)
{
	return strcmp(c->type, "uuid") == 0;
}

/* True for a column of integers that are equal only if their digits are equal.
 * The type oid is not among them: to it -1 and 4294967295 are equal. */
static bool
is_integer(const struct column *c)
{
	return c->kind == COLUMN_INT && c->change == CHANGE_NONE;
}

static bool
has_known_equality(const struct target *t, size_t column)
{
	const struct column *c = &t->table->columns[column];

	return (int)column != t->mapping.extra_column &&
	    (is_integer(c) || is_plain_text(c) || is_uuid(c));
}

int
key_hash_open(struct key_hash *k, const struct target *t, struct err *e)
{
	struct shape *s = &k->columns;

	*k = (struct key_hash){ .target = t };
	if ((s->columns = calloc(t->nkey + 1, sizeof(*s->columns))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < t->nkey; i++)
		if (has_known_equality(t, t->key[i]))
			s->columns[s->n++] = t->key[i];
	if (s->n > 0)
		return 0;
	key_hash_close(k);
	return err_set(e, ERR_CONFIG, false, "--connections: table %s: no "
	    "column of the key is an integer, text, varchar or uuid, so "
	    "etl-load cannot know which records have equal keys: load the "
	    "table without --connections", t->table->name);
}

void
key_hash_close(struct key_hash *k)
{
	free(k->columns.columns);
	*k = (struct key_hash){ 0 };
}

/* FNV-1a. */
static void
mix_bytes(uint64_t *hash, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*hash = (*hash ^ (unsigned char)p[i]) *
		    UINT64_C(1099511628211);
}

static void
add_int(uint64_t *hash, int64_t v)
{
	char bytes[sizeof(v)];

	memcpy(bytes, &v, sizeof(v));
	mix_bytes(hash, bytes, sizeof(bytes));
}

/* Adds an integer that is written as a string. The server also accepts blanks,
 * a plus sign, leading zeros, underscores and several bases. This function
 * reads only plain digits, and calls any other text with digits
 * KEY_HASH_UNSURE. */
static enum key_hash_result
add_int_of_text(uint64_t *hash, const char *text)
{
	size_t sign = *text == '-', digits = strspn(text + sign, "0123456789");

	if (digits > 0 && digits <= 18 && text[sign + digits] == '\0') {
		add_int(hash, strtoll(text, NULL, 10));
		return KEY_HASH_MADE;
	}
	return strpbrk(text, "0123456789") == NULL ? KEY_HASH_NONE :
	    KEY_HASH_UNSURE;
}

static enum key_hash_result
add_integer(uint64_t *hash, const struct json *j, uint32_t tok,
    struct buf *scratch)
{
	const struct json_tok *t = &j->tok[tok];
	int64_t v;

	if (t->type == JSON_STRING)
		return add_int_of_text(hash, buf_text(scratch));
	if (t->type != JSON_NUMBER ||
	    !number_to_int64(j->text + t->at, t->len, &v))
		return KEY_HASH_NONE;
	add_int(hash, v);
	return KEY_HASH_MADE;
}

/* Adds the text without blanks at its end, because a column varchar(2) stores
 * "ab " as "ab". */
static void
add_text(uint64_t *hash, const struct buf *text)
{
	size_t n = text->len;

	while (n > 0 && text->data[n - 1] == ' ')
		n--;
	mix_bytes(hash, text->data, n);
}

/* Adds only the hexadecimal digits, in lower case: the server also accepts
 * upper case, braces, and hyphens in several places. */
static void
add_uuid(uint64_t *hash, const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];
		char lower = (char)tolower(c);

		if (isxdigit(c))
			mix_bytes(hash, &lower, 1);
	}
}

/* Appends the text that is sent to the server for the value. */
static void
put_value_as_sent(struct buf *b, const struct json *j, uint32_t tok)
{
	if (j->tok[tok].type == JSON_STRING)
		json_unescape(b, j, tok);
	else
		json_put_compact(b, j, tok);
}

static enum key_hash_result
mix_value(const struct key_hash *k, const struct json *j, uint32_t tok,
    size_t column, struct buf *scratch, uint64_t *hash)
{
	const struct column *c = &k->target->table->columns[column];

	buf_clear(scratch);
	put_value_as_sent(scratch, j, tok);
	(void)buf_text(scratch);
	if (scratch->failed)
		return KEY_HASH_FAILED;
	if (is_integer(c))
		return add_integer(hash, j, tok, scratch);
	if (is_uuid(c))
		add_uuid(hash, scratch);
	else
		add_text(hash, scratch);
	return KEY_HASH_MADE;
}

enum key_hash_result
key_hash_make(const struct key_hash *k, struct reader *r, const struct line *l,
    struct buf *scratch, uint64_t *hash, struct err *e)
{
	enum key_hash_result one, all = KEY_HASH_MADE;
	int rc = record_part_read(r, l, &k->columns, e);

	if (rc != 1)
		return rc == 0 ? KEY_HASH_NONE : KEY_HASH_FAILED;
	if (record_part_has_null(r, &k->columns))
		return KEY_HASH_NONE;
	*hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < k->columns.n; i++) {
		size_t c = k->columns.columns[i];

		one = mix_value(k, &r->json, r->value[c], c, scratch, hash);
		if (one == KEY_HASH_FAILED) {
			(void)buf_check(scratch, e);
			return KEY_HASH_FAILED;
		}
		if (one == KEY_HASH_NONE)
			return one;
		if (one == KEY_HASH_UNSURE)
			all = one;
	}
	/* Mix in the high bits: the low bits of FNV-1a depend only on the low
	 * bits of the bytes. */
	*hash ^= *hash >> 32;
	return all;
}
