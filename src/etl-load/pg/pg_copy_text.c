#include "pg/pg_copy_text.h"

#include "base/base64.h"

#include "json/write.h"
#include "pg/pg_literal.h"

#include <string.h>

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

static void
put_int(struct buf *b, const struct json *j, uint32_t tok,
    struct buf *scratch)
{
	if (!pg_put_int_digits(b, j, &j->tok[tok]))
		put_text(b, j, tok, scratch);
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
		pg_bytes_to_hex(b, at);
		return;
	}
	pg_put_characters(b, j, tok);
	if (pg_is_hex(&j->tok[tok], b->data + at, b->len - at)) {
		b->len = start;
		put_text(b, j, tok, scratch);
	} else {
		pg_bytes_to_hex(b, at);
	}
}

/* True if the value becomes an array or a composite value of PostgreSQL. */
static bool
is_nested(const struct column *c, const struct json_tok *t)
{
	return c->kind == COLUMN_ARRAY ? t->type == JSON_ARRAY :
	    c->fields != NULL && t->type == JSON_OBJECT;
}

static void
put_nested(struct buf *b, struct reader *r, size_t column, uint32_t tok,
    struct buf *scratch)
{
	const struct json_tok *t = &r->json.tok[tok];
	struct json_fault f = { 0 };

	if (json_scan(&r->inner, r->json.text + t->at, t->len,
		JSON_LEVELS_ALL, JSON_LAST, &f) == -1) {
		b->failed = true;
		return;
	}
	buf_clear(scratch);
	pg_put_literal(scratch, &r->inner, 0,
	    &r->target->table->columns[column], r->target->mapping.base64);
	put_escaped(b, scratch->data, scratch->len);
	b->failed |= scratch->failed;
}

void
pg_put_copy_values(struct buf *b, struct reader *r, const struct shape *s,
    struct buf *scratch)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t c = s->columns[i];
		const struct json *j = reader_json(r, c);
		uint32_t tok = r->value[c];

		if (i > 0)
			buf_char(b, '\t');
		if (j->tok[tok].type == JSON_NULL) {
			buf_add(b, "\\N", 2);
			continue;
		}
		if (is_nested(&r->target->table->columns[c], &j->tok[tok])) {
			put_nested(b, r, c, tok, scratch);
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
		default:
			put_text(b, j, tok, scratch);
		}
	}
}
