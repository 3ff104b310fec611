#include "table/key_hash.h"

#include "json/number.h"
#include "json/write.h"
#include "table/record_part.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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
