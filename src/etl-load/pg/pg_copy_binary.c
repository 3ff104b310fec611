#include "pg/pg_copy_binary.h"

#include "json/number.h"
#include "json/write.h"
#include "pg/pg_literal.h"
#include "pg/pg_time_binary.h"

#include <math.h>
#include <string.h>

/* The oids of types of PostgreSQL, which are the same in every database. */
enum {
	TYPE_BOOL = 16, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23,
	TYPE_TEXT = 25, TYPE_JSON = 114, TYPE_FLOAT8 = 701,
	TYPE_BPCHAR = 1042, TYPE_VARCHAR = 1043, TYPE_DATE = 1082,
	TYPE_TIMESTAMP = 1114, TYPE_TIMESTAMPTZ = 1184, TYPE_UUID = 2950,
	TYPE_JSONB = 3802
};

/* Sets to[] to the lowest n bytes of v, in big-endian order. */
static void
set_big_endian(unsigned char *to, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
}

static void
put_big_endian(struct buf *b, uint64_t v, size_t n)
{
	unsigned char bytes[8];

	set_big_endian(bytes, v, n);
	buf_add(b, bytes, n);
}

void
pg_put_binary_header(struct buf *b)
{
	static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

	buf_add(b, header, sizeof(header));     /* its NUL is part of it */
}

void
pg_put_binary_trailer(struct buf *b)
{
	put_big_endian(b, UINT16_MAX, 2);
}

void
pg_put_binary_row(struct buf *b, size_t columns)
{
	put_big_endian(b, columns, 2);
}

static void
put_length(struct buf *b, size_t n)
{
	put_big_endian(b, n, 4);
}

/* Appends the length and then the number in this many bytes. */
static void
put_sized_number(struct buf *b, uint64_t v, size_t size)
{
	unsigned char bytes[4 + 8] = { 0, 0, 0, (unsigned char)size };

	set_big_endian(bytes + 4, v, size);
	buf_add(b, bytes, 4 + size);
}

void
pg_put_binary_int4(struct buf *b, uint32_t v)
{
	put_sized_number(b, v, 4);
}

/* Sets the 4-byte length at offset `at`. The value begins after the length and
 * ends at the end of the buffer. */
static void
set_last_length(struct buf *b, size_t at)
{
	size_t end = b->len;

	if (b->failed)
		return;
	b->len = at;
	put_length(b, end - at - 4);
	b->len = end;
}

/* Returns false if the value is no number in the range of the column. */
static bool
put_binary_int(struct buf *b, const struct column *c, const struct json *j,
    const struct json_tok *t, size_t n)
{
	int64_t v;

	if (t->type != JSON_NUMBER ||
	    !number_to_int64(j->text + t->at, t->len, &v) || v < c->min ||
	    v > c->max)
		return false;
	put_sized_number(b, (uint64_t)v, n);
	return true;
}

/* Returns false if the value is neither true nor false. */
static bool
put_binary_bool(struct buf *b, const struct json_tok *t)
{
	if (t->type != JSON_TRUE && t->type != JSON_FALSE)
		return false;
	put_sized_number(b, t->type == JSON_TRUE, 1);
	return true;
}

/* Returns false for a number that is left to the server: one that is too large
 * for a double, one so small that a double has fewer digits for it, or a zero
 * in a form such as 0e5. */
static bool
put_binary_float(struct buf *b, const struct json *j, const struct json_tok *t)
{
	uint64_t bits;
	double d;

	if (t->type != JSON_NUMBER)
		return false;
	d = number_to_double(j->text + t->at, t->len);
	if (!isnormal(d) && strspn(j->text + t->at, "0.") < t->len)
		return false;
	memcpy(&bits, &d, sizeof(bits));
	put_sized_number(b, bits, 8);
	return true;
}

/* Returns false if the text contains a NUL. */
static bool
put_binary_text(struct buf *b, const struct json *j, uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];
	size_t at = b->len;

	if (t->flags & JSON_NUL)
		return false;
	if (t->type == JSON_STRING && (t->flags & JSON_ESCAPED) == 0) {
		put_length(b, t->len - 2);
		buf_add(b, j->text + t->at + 1, t->len - 2);
		return true;
	}
	put_length(b, 0);
	pg_put_characters(b, j, tok);
	set_last_length(b, at);
	return true;
}

/* The binary form of jsonb is the version of the format (1) and the JSON
 * text. */
static bool
put_json(struct buf *b, const struct json *j, uint32_t tok, bool versioned)
{
	size_t at = b->len;

	put_length(b, 0);
	if (versioned)
		buf_char(b, 1);
	json_put_compact(b, j, tok);
	set_last_length(b, at);
	return true;
}

/* Returns false if the text is not in the usual form. */
static bool
put_binary_time(struct buf *b, int64_t type, const char *p, size_t n)
{
	int64_t v;

	if (!(type == TYPE_DATE ? pg_date_to_days(p, n, &v) :
		pg_time_to_us(p, n, type == TYPE_TIMESTAMPTZ, &v)))
		return false;
	put_sized_number(b, (uint64_t)v, type == TYPE_DATE ? 4 : 8);
	return true;
}

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The form with four hyphens. Returns false for any other form. */
static bool
put_binary_uuid(struct buf *b, const char *p, size_t n)
{
	static const char form[] = "00000000-0000-0000-0000-000000000000";
	unsigned char bytes[16];
	size_t digits = 0;

	if (n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < n; i++) {
		int v = hex_value(p[i]);

		if (form[i] == '-' ? p[i] != '-' : v == -1)
			return false;
		if (v == -1)
			continue;
		bytes[digits / 2] = (unsigned char)(digits % 2 == 0 ? v :
		    bytes[digits / 2] << 4 | v);
		digits++;
	}
	put_length(b, sizeof(bytes));
	buf_add(b, bytes, sizeof(bytes));
	return true;
}

/* Converts a string to the binary form of a uuid, a date or a time. Returns
 * false if the string is not in the usual form. */
static bool
put_binary_string(struct buf *b, int64_t type, const struct json *j,
    const struct json_tok *t)
{
	const char *p = j->text + t->at + 1;    /* after the quote */

	if (t->type != JSON_STRING || (t->flags & JSON_ESCAPED) != 0)
		return false;
	return type == TYPE_UUID ? put_binary_uuid(b, p, t->len - 2) :
	    put_binary_time(b, type, p, t->len - 2);
}

/* Returns false if the value has no supported binary form. */
static bool
put_binary_value(struct buf *b, const struct column *c, const struct json *j,
    uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];

	switch (c->type_id) {
	case TYPE_BOOL:
		return put_binary_bool(b, t);
	case TYPE_INT2:
		return put_binary_int(b, c, j, t, 2);
	case TYPE_INT4:
		return put_binary_int(b, c, j, t, 4);
	case TYPE_INT8:
		return put_binary_int(b, c, j, t, 8);
	case TYPE_FLOAT8:
		return put_binary_float(b, j, t);
	case TYPE_TEXT:
	case TYPE_BPCHAR:
	case TYPE_VARCHAR:
		return put_binary_text(b, j, tok);
	case TYPE_JSON:
	case TYPE_JSONB:
		return put_json(b, j, tok, c->type_id == TYPE_JSONB);
	case TYPE_DATE:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ:
	case TYPE_UUID:
		return put_binary_string(b, c->type_id, j, t);
	default:
		return false;
	}
}

bool
pg_put_binary_values(struct buf *b, const struct reader *r,
    const struct shape *s)
{
	const size_t start = b->len;

	for (size_t i = 0; i < s->n; i++) {
		size_t c = s->columns[i];
		const struct json *j = reader_json(r, c);
		uint32_t tok = r->value[c];

		if (j->tok[tok].type == JSON_NULL) {
			put_length(b, UINT32_MAX);
		} else if (!put_binary_value(
			b, &r->target->table->columns[c], j, tok)) {
			b->len = start;
			return false;
		}
	}
	return true;
}

bool
pg_shape_is_binary(const struct target *t, const struct shape *s)
{
	static const int64_t types[] = { TYPE_BOOL, TYPE_INT2, TYPE_INT4,
	    TYPE_INT8, TYPE_FLOAT8, TYPE_TEXT, TYPE_BPCHAR, TYPE_VARCHAR,
	    TYPE_JSON, TYPE_JSONB, TYPE_DATE, TYPE_TIMESTAMP,
	    TYPE_TIMESTAMPTZ, TYPE_UUID };
	size_t k;

	for (size_t i = 0; i < s->n; i++) {
		for (k = 0; k < sizeof(types) / sizeof(types[0]); k++)
			if (t->table->columns[s->columns[i]].type_id ==
			    types[k])
				break;
		if (k == sizeof(types) / sizeof(types[0]))
			return false;
	}
	return true;
}
