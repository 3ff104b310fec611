#include "pg/pg_literal.h"

#include "base/base64.h"
#include "base/hex.h"
#include "json/number.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

enum { ARRAY_DIMENSIONS = 6 };  /* MAXDIM in PostgreSQL's source */

/* If the number is an integer that is written with a fraction or an exponent,
 * such as 5.0 or 1e30, appends it with digits only: PostgreSQL does not accept
 * the other form for an integer column. The server then refuses a number that
 * is too large because of its range, and not as a text that is no integer.
 * Returns false for any other value. */
bool
pg_put_int_digits(struct buf *b, const struct json *j, const struct json_tok *t)
{
	enum { ZEROS_MAX = 40 };        /* too large for any type of integer */
	const char *p = j->text + t->at, *exponent;
	size_t at = b->len;
	long long zeros;
	int64_t v;

	if (t->type != JSON_NUMBER || (t->flags & JSON_FRACTION) == 0 ||
	    !number_is_integer(p, t->len))
		return false;
	if (number_to_int64(p, t->len, &v)) {
		buf_printf(b, "%lld", (long long)v);
		return true;
	}
	number_put_normal(b, p, t->len);   /* such as 12e29 */
	(void)buf_text(b);
	if (b->failed)
		return true;
	exponent = b->data + at + strcspn(b->data + at, "ev");
	zeros = *exponent == 'e' ? strtoll(exponent + 1, NULL, 10) : ZEROS_MAX;
	b->len = (size_t)(exponent - b->data);
	if (*exponent == 'v')           /* the exponent is beyond 10^17 */
		buf_char(b, '1');
	for (long long i = 0; i < zeros && i < ZEROS_MAX; i++)
		buf_char(b, '0');
	return true;
}

/* True if the value is a string of hex digits, which starts with \x. Any other
 * string for a bytes column stands for the bytes of its characters. */
bool
pg_is_hex(const struct json_tok *t, const char *p, size_t n)
{
	return t->type == JSON_STRING && n >= 2 && memcmp(p, "\\x", 2) == 0;
}

/* Replaces the bytes of b from offset `at` to the end by their hex digits. The
 * loop goes from the last byte to the first, so that it reads each byte before
 * it overwrites it. */
void
pg_bytes_to_hex(struct buf *b, size_t at)
{
	size_t n = b->len - at;

	if (!buf_reserve(b, n))
		return;
	for (size_t i = n; i-- > 0;)
		hex_put_byte(b->data + at + 2 * i,
		    (unsigned char)b->data[at + i]);
	b->len = at + 2 * n;
}

/* Appends a string without its quotes and escapes, and any other value as
 * compact JSON. */
void
pg_put_characters(struct buf *b, const struct json *j, uint32_t tok)
{
	if (j->tok[tok].type == JSON_STRING)
		json_unescape(b, j, tok);
	else
		json_put_compact(b, j, tok);
}

/* Replaces the text of a value for bytes by \x and hex digits. With base64 the
 * text is valid: it was checked before. */
static void
text_to_bytes(struct buf *text, const struct json_tok *t, bool base64)
{
	struct buf bytes;

	if (!base64 && pg_is_hex(t, text->data, text->len))
		return;
	buf_init(&bytes, SIZE_MAX / 2);
	buf_str(&bytes, "\\x");
	if (base64)
		(void)base64_get(&bytes, text->data, text->len);
	else
		buf_add(&bytes, text->data, text->len);
	bytes.failed |= text->failed;
	if (!bytes.failed)
		pg_bytes_to_hex(&bytes, 2);
	buf_release(text);
	*text = bytes;
}

/* Appends the text in quotes. PostgreSQL reads quotes and backslashes in the
 * same way in an array and in a composite value. */
static void
put_quoted(struct buf *b, const char *p, size_t n)
{
	buf_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, p[i]);
	}
	buf_char(b, '"');
}

static void put_array(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64, int depth);
static void put_composite(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64);

/* Appends an element of an array or a member of a composite value. It is not
 * null. `kind` is its type: c->element for an element of the array column c,
 * else c->kind. */
static void
put_part(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, enum column_kind kind, bool base64)
{
	const struct json_tok *t = &j->tok[tok];
	struct buf text;

	if (kind == COLUMN_INT && pg_put_int_digits(b, j, t))
		return;
	buf_init(&text, SIZE_MAX / 2);
	if (kind == COLUMN_JSON)
		json_put_compact(&text, j, tok);
	else if (kind == COLUMN_ARRAY && t->type == JSON_ARRAY)
		put_array(&text, j, tok, c, base64, 1);
	else if (kind != COLUMN_ARRAY && c->fields != NULL &&
	    t->type == JSON_OBJECT)
		put_composite(&text, j, tok, c, base64);
	else
		pg_put_characters(&text, j, tok);
	if (kind == COLUMN_BYTES)
		text_to_bytes(&text, t, base64);
	put_quoted(b, text.data, text.len);
	b->failed |= text.failed;
	buf_release(&text);
}

/* An array of PostgreSQL has at most 6 dimensions. If the JSON array has more
 * levels, an array of the seventh level becomes one element, as JSON text. */
static void
put_array(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64, int depth)
{
	uint32_t i = tok + 1;

	buf_char(b, '{');
	for (; i < j->tok[tok].next; i = j->tok[i].next) {
		if (i > tok + 1)
			buf_char(b, ',');
		if (j->tok[i].type == JSON_NULL)
			buf_str(b, "NULL");
		else if (j->tok[i].type == JSON_ARRAY &&
		    depth < ARRAY_DIMENSIONS && c->element != COLUMN_JSON)
			put_array(b, j, i, c, base64, depth + 1);
		else
			put_part(b, j, i, c, c->element, base64);
	}
	buf_char(b, '}');
}

/* In a composite value, PostgreSQL reads nothing between two commas as NULL. So
 * nothing is written for a member that is null or missing. */
static void
put_composite(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64)
{
	const struct column *f;
	uint32_t v;

	buf_char(b, '(');
	for (size_t i = 0; i < c->nfields; i++) {
		f = &c->fields[i];
		if (i > 0)
			buf_char(b, ',');
		v = json_member_value(j, tok, f->name, strlen(f->name));
		if (v != 0 && j->tok[v].type != JSON_NULL)
			put_part(b, j, v, f, f->kind, base64);
	}
	buf_char(b, ')');
}

void
pg_put_literal(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64)
{
	if (c->kind == COLUMN_ARRAY)
		put_array(b, j, tok, c, base64, 1);
	else
		put_composite(b, j, tok, c, base64);
}
