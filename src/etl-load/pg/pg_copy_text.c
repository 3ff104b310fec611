#include "pg/pg_copy_text.h"

#include "base/text.h"
#include "json/number.h"
#include "json/write.h"

#include <string.h>

enum { ARRAY_DIMENSIONS = 6 };  /* MAXDIM in PostgreSQL's source */

static void
put_escaped(struct buf *b, const char *p, size_t n)
{
	static const char special[] = "\\\n\r\t\b\f\v";
	static const char letter[] = "\\nrtbfv";
	const char *end = p + n, *from = p, *s;

	for (; p < end; p++) {
		if ((unsigned char)*p >= ' ' && *p != '\\')
			continue;
		if (*p == '\0' || (s = strchr(special, *p)) == NULL)
			continue;
		buf_add(b, from, (size_t)(p - from));
		buf_char(b, '\\');
		buf_char(b, letter[s - special]);
		from = p + 1;
	}
	buf_add(b, from, (size_t)(end - from));
}

/* Appends a value as JSON. In COPY's format a backslash must be doubled. Only
 * JSON with an escape in a string contains a backslash, so all other scalar
 * values are copied without a search for special bytes. */
static void
put_json(struct buf *b, const struct json *j, uint32_t tok,
    struct buf *scratch)
{
	const struct json_tok *t = &j->tok[tok];

	buf_clear(scratch);
	if (t->type == JSON_ARRAY || t->type == JSON_OBJECT) {
		json_put_compact(scratch, j, tok);
		put_escaped(b, scratch->data, scratch->len);
		b->failed |= scratch->failed;
	} else if (t->flags & JSON_ESCAPED)
		put_escaped(b, j->text + t->at, t->len);
	else
		buf_add(b, j->text + t->at, t->len);
}

static void
put_text(struct buf *b, const struct json *j, uint32_t tok,
    struct buf *scratch)
{
	const struct json_tok *t = &j->tok[tok];

	if (t->type != JSON_STRING) {
		put_json(b, j, tok, scratch);
	} else if (t->flags & JSON_ESCAPED) {
		buf_clear(scratch);
		json_unescape(scratch, j, tok);
		put_escaped(b, scratch->data, scratch->len);
		b->failed |= scratch->failed;
	} else
		buf_add(b, j->text + t->at + 1, t->len - 2);
}

/* True if the number is an integer that is written with a fraction or an
 * exponent, such as 5.0 or 1e3. PostgreSQL does not accept this form for an
 * integer column, so the caller writes the plain integer. */
static bool
is_int_with_fraction(const struct json_tok *t, const struct json *j, int64_t *v)
{
	return t->type == JSON_NUMBER && t->flags & JSON_FRACTION &&
	    number_to_int64(j->text + t->at, t->len, v);
}

static void
put_int(struct buf *b, const struct json *j, uint32_t tok,
    struct buf *scratch)
{
	int64_t v;

	if (is_int_with_fraction(&j->tok[tok], j, &v))
		buf_printf(b, "%lld", (long long)v);
	else
		put_text(b, j, tok, scratch);
}

/* True if the value is a string that starts with \x: hex digits for bytes. Any
 * other string stands for the bytes of its characters. */
static bool
is_hex(const struct json_tok *t, const char *p, size_t n)
{
	return t->type == JSON_STRING && n >= 2 && memcmp(p, "\\x", 2) == 0;
}

/* Replaces the bytes of b from offset `at` to the end by their hex digits. The
 * loop goes from the last byte to the first, so that it reads each byte before
 * it overwrites it. */
static void
bytes_to_hex(struct buf *b, size_t at)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = b->len - at;

	if (!buf_reserve(b, n))
		return;
	for (size_t i = n; i-- > 0;) {
		unsigned char c = (unsigned char)b->data[at + i];

		b->data[at + 2 * i] = hex[c >> 4];
		b->data[at + 2 * i + 1] = hex[c & 15];
	}
	b->len = at + 2 * n;
}

/* Replaces a text in base64 by the bytes that it stands for. The text was
 * checked before. */
static void
decode_base64(struct buf *text)
{
	struct buf bytes;

	buf_init(&bytes, SIZE_MAX / 2);
	(void)base64_get(&bytes, text->data, text->len);
	bytes.failed |= text->failed;
	buf_release(text);
	*text = bytes;
}

/* Appends the bytes of `text` as \x and hex digits. The backslash is doubled,
 * because the server removes one backslash when it reads the array's quotes. */
static void
put_bytes_as_escaped_hex(struct buf *b, const struct buf *text)
{
	size_t at;

	buf_str(b, "\\\\x");
	at = b->len;
	buf_add(b, text->data, text->len);
	bytes_to_hex(b, at);
}

/* Appends the characters of a string; of any other value the compact JSON. */
static void
put_string_or_compact_json(struct buf *b, const struct json *j, uint32_t tok)
{
	if (j->tok[tok].type == JSON_STRING)
		json_unescape(b, j, tok);
	else
		json_put_compact(b, j, tok);
}

static void
put_bytes(struct buf *b, const struct reader *r, uint32_t tok,
    struct buf *scratch)
{
	const struct json *j = &r->json;
	size_t start = b->len, at;

	buf_str(b, "\\\\x");
	at = b->len;
	if (r->target->mapping.base64) {
		buf_clear(scratch);
		json_unescape(scratch, j, tok);
		(void)base64_get(b, scratch->data, scratch->len);
		b->failed |= scratch->failed;
		bytes_to_hex(b, at);
		return;
	}
	put_string_or_compact_json(b, j, tok);
	if (is_hex(&j->tok[tok], b->data + at, b->len - at)) {
		b->len = start;
		put_text(b, j, tok, scratch);
	} else {
		bytes_to_hex(b, at);
	}
}

static void
put_quoted_array_element(struct buf *b, const char *p, size_t n)
{
	buf_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, p[i]);
	}
	buf_char(b, '"');
}

static void
put_array_element(struct buf *b, const struct json *j, uint32_t tok,
    enum column_kind kind, bool base64)
{
	const struct json_tok *t = &j->tok[tok];
	struct buf text;
	bool bytes;
	int64_t v;

	if (t->type == JSON_NULL) {
		buf_str(b, "NULL");
		return;
	}
	if (kind == COLUMN_INT && is_int_with_fraction(t, j, &v)) {
		buf_printf(b, "%lld", (long long)v);
		return;
	}
	buf_init(&text, SIZE_MAX / 2);
	if (kind == COLUMN_JSON)
		json_put_compact(&text, j, tok);
	else
		put_string_or_compact_json(&text, j, tok);
	bytes = kind == COLUMN_BYTES &&
	    (base64 || !is_hex(t, text.data, text.len));
	if (bytes && base64)
		decode_base64(&text);
	if (bytes) {
		buf_char(b, '"');
		put_bytes_as_escaped_hex(b, &text);
		buf_char(b, '"');
	} else {
		put_quoted_array_element(b, text.data, text.len);
	}
	b->failed |= text.failed;
	buf_release(&text);
}

/* Appends a JSON array as a PostgreSQL array in text form, such as {1,2} or
 * {{1,2},{3,4}}. PostgreSQL has at most 6 dimensions: an array that is nested
 * more deeply is written as JSON text, as one element. */
static void
put_array_elements(struct buf *b, const struct json *j, uint32_t tok,
    enum column_kind kind, bool base64, int depth)
{
	uint32_t i = tok + 1;

	buf_char(b, '{');
	for (; i < j->tok[tok].next; i = j->tok[i].next) {
		if (i > tok + 1)
			buf_char(b, ',');
		if (j->tok[i].type == JSON_ARRAY && depth < ARRAY_DIMENSIONS &&
		    kind != COLUMN_JSON)
			put_array_elements(
			    b, j, i, kind, base64, depth + 1);
		else
			put_array_element(b, j, i, kind, base64);
	}
	buf_char(b, '}');
}

static void
put_array(struct buf *b, struct reader *r, size_t column, uint32_t tok,
    struct buf *scratch)
{
	const struct json_tok *t = &r->json.tok[tok];
	const struct column *c = &r->target->table->columns[column];
	struct json_fault f = { 0 };

	if (t->type != JSON_ARRAY || json_scan(&r->inner,
	    r->json.text + t->at, t->len, JSON_LEVELS_ALL, JSON_LAST,
	    &f) == -1) {
		put_text(b, &r->json, tok, scratch);
		b->failed |= f.nomem;
		return;
	}
	buf_clear(scratch);
	put_array_elements(scratch, &r->inner, 0, c->element,
	    r->target->mapping.base64, 1);
	put_escaped(b, scratch->data, scratch->len);
	b->failed |= scratch->failed;
}

void
pg_put_copy_values(struct buf *b, struct reader *r, const struct shape *s,
    struct buf *scratch)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t c = s->columns[i];
		const struct json *j = reader_json_of_column(r, c);
		uint32_t tok = r->value[c];

		if (i > 0)
			buf_char(b, '\t');
		if (j->tok[tok].type == JSON_NULL) {
			buf_add(b, "\\N", 2);
			continue;
		}
		switch (r->target->table->columns[c].kind) {
		case COLUMN_INT:
			put_int(b, j, tok, scratch);
			break;
		case COLUMN_JSON:
			put_json(b, j, tok, scratch);
			break;
		case COLUMN_BYTES:
			put_bytes(b, r, tok, scratch);
			break;
		case COLUMN_ARRAY:
			put_array(b, r, c, tok, scratch);
			break;
		default:
			put_text(b, j, tok, scratch);
		}
	}
}
