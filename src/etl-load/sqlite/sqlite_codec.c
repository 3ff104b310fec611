#include "sqlite/sqlite_codec.h"

#include "base/base64.h"
#include "base/datetime.h"
#include "base/text.h"
#include "batch.h"
#include "exact_number.h"
#include "json/number.h"
#include "json/write.h"
#include "row.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A column of times takes a date, a time of day, or both, in the forms of RFC
 * 3339 and ISO 8601. */
enum {
	TIME_FORMS = DATETIME_DATE | DATETIME_TIME | DATETIME_LOWER |
	    DATETIME_MINUTES | DATETIME_COMMA | DATETIME_NO_POINT |
	    DATETIME_LOCAL | DATETIME_SHORT_ZONE | DATETIME_BLANK_ZONE |
	    DATETIME_YEAR_0 | DATETIME_HOUR_24 | DATETIME_SECOND_60
};

struct source {                 /* the value in the record, and its column */
	struct reader *r;
	size_t column;
	const struct column *c;
	const struct json_tok *tok;
	struct db_value text;   /* a string's characters, or the token */
	struct reject *why;
};

/* Sets the reason of the reject: the reject code, and a message that starts
 * with `what` and names the column, its type and the value. Returns 0. */
static int
reject_value(const struct source *s, const char *code, const char *what)
{
	int n = s->text.len < 80 ? (int)s->text.len :
	    (int)utf8_valid_length(s->text.p, 80);

	return reader_reject(s->r, s->why, s->column, code,
	    "%s for column \"%s\" (%s): %.*s", what, s->c->name, s->c->type,
	    n, s->text.p);
}

static int
reject_type(const struct source *s)
{
	return reject_value(s, "type", "not a value");
}

/* True if the value is a number, or a string with exactly one number in JSON's
 * form. */
static bool
is_numeric(const struct source *s)
{
	struct json_fault f;

	if (s->tok->type == JSON_NUMBER)
		return true;
	return s->tok->type == JSON_STRING && s->text.len > 0 &&
	    strchr("-0123456789", s->text.p[0]) != NULL &&
	    json_scan(&s->r->inner, s->text.p, s->text.len, 1, JSON_LAST,
	    &f) == 0 && s->r->inner.tok[0].len == s->text.len;
}

static const char *
skip_characters(const char *p, const char *end, const char *any)
{
	while (p < end && *p != '\0' && strchr(any, *p) != NULL)
		p++;
	return p;
}

/* True if SQLite would read this text as a number (function sqlite3AtoF in its
 * source). SQLite accepts numbers as JSON writes them. It also accepts blanks
 * around the number, a plus sign, and no digits before or after the point. */
static bool
is_sqlite_number(const char *p, size_t n)
{
	static const char blank[] = " \t\n\v\f\r", digits[] = "0123456789";
	const char *end = p + n, *from;
	size_t found;

	p = skip_characters(p, end, blank);
	p += p < end && (*p == '-' || *p == '+');
	p = skip_characters(from = p, end, digits);
	found = (size_t)(p - from);
	if (p < end && *p == '.') {
		p = skip_characters(from = p + 1, end, digits);
		found += (size_t)(p - from);
	}
	if (found > 0 && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '-' || *p == '+');
		p = skip_characters(from = p, end, digits);
		found = (size_t)(p - from);
	}
	return found > 0 && skip_characters(p, end, blank) == end;
}

/* True if the value is a number, or a string with exactly one number in a form
 * that a column of PostgreSQL for numbers accepts: blanks may stand around it,
 * and a plus sign or zeros at its start. Cuts such blanks and the plus sign off
 * s->text. */
static bool
trim_number(struct source *s)
{
	static const char blank[] = " \t\n\v\f\r";
	struct db_value *t = &s->text;

	if (s->tok->type != JSON_STRING || is_numeric(s))
		return s->tok->type == JSON_NUMBER ||
		    s->tok->type == JSON_STRING;
	if (!is_sqlite_number(t->p, t->len))
		return false;
	while (strchr(blank, t->p[t->len - 1]) != NULL)
		t->len--;
	for (; strchr(blank, *t->p) != NULL || *t->p == '+'; t->p++)
		t->len--;
	return true;
}

static int
convert_int(struct db_value *out, struct source *s)
{
	if (!trim_number(s))
		return reject_type(s);
	*out = (struct db_value){ .type = DB_INT };
	if (number_to_int64(s->text.p, s->text.len, &out->i)) {
		if (out->i < s->c->min || out->i > s->c->max)
			return reject_value(s, "range", "out of range");
		return 1;
	}
	return number_is_integer(s->text.p, s->text.len) ?
	    reject_value(s, "range", "out of range") :
	    reject_type(s);
}

static int
convert_real(struct db_value *out, struct source *s)
{
	if (!trim_number(s))
		return reject_type(s);
	*out = (struct db_value){ .type = DB_REAL,
		.r = number_to_double(s->text.p, s->text.len) };
	if (isinf(out->r))
		return reject_value(s, "range", "out of range");
	if (!s->r->target->lossy &&
	    !float_keeps_int(s->text.p, s->text.len, DBL_MANT_DIG))
		return reject_value(
		    s, "range", "SQLite would round the integer");
	return 1;
}

/* Converts the number to a 64-bit integer or a double. Returns false if neither
 * type can hold exactly this number. */
static bool
to_exact_number(struct db_value *out, const struct source *s)
{
	char text[NUMBER_TEXT];
	size_t n;

	*out = (struct db_value){ .type = DB_INT };
	if (number_to_int64(s->text.p, s->text.len, &out->i))
		return true;
	out->type = DB_REAL;
	out->r = number_to_double(s->text.p, s->text.len);
	if (isinf(out->r))
		return false;
	n = number_put_shortest(text, out->r);
	return number_equals(text, n, s->text.p, s->text.len);
}

static int
convert_numeric(struct db_value *out, struct source *s)
{
	if (!trim_number(s))
		return reject_type(s);
	if (to_exact_number(out, s) ||
	    (s->r->target->lossy && !isinf(out->r)))
		return 1;
	return reject_value(
	    s, "range", "SQLite would lose digits of the number");
}

/* Takes true and false, words such as yes and off, and 0 and 1. */
static int
convert_bool(struct db_value *out, const struct source *s)
{
	static const char *const words[] = { "false", "true", "f", "t", "no",
	    "yes", "n", "y", "off", "on", "0", "1" };

	if (s->tok->type == JSON_ARRAY || s->tok->type == JSON_OBJECT)
		return reject_type(s);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == s->text.len &&
		    strncasecmp(words[i], s->text.p, s->text.len) == 0) {
			*out = DB_I((int64_t)(i & 1));
			return 1;
		}
	return reject_type(s);
}

/* True if the number *v, written as text, is exactly the text in the record.
 * For example, this is true for 10, and false for 1e1 and 10.0. */
static bool
prints_same(const struct db_value *v, const struct source *s)
{
	char text[NUMBER_TEXT];
	size_t n;

	n = v->type == DB_REAL ? number_put_shortest(text, v->r) :
	    (size_t)snprintf(text, sizeof(text), "%" PRId64, v->i);
	return n == s->text.len && memcmp(text, s->text.p, n) == 0;
}

/* SQLite converts a text that looks like a number if the column has numeric
 * affinity. Rejects such a text unless SQLite would print the number as exactly
 * the same text. */
static int
reject_affinity(struct db_value *out, const struct source *s)
{
	if (out->type != DB_TEXT || !s->c->numeric || s->r->target->lossy ||
	    !is_sqlite_number(out->p, out->len))
		return 1;
	if (s->tok->type == JSON_NUMBER)
		return reject_value(s, "range",
		    "SQLite would lose digits of the number");
	if (is_numeric(s) && to_exact_number(out, s) && prints_same(out, s))
		return 1;
	return reject_value(s, "type", "SQLite would change this text into a "
	    "number (declare the column TEXT, or NUMERIC if it holds numbers)");
}

static int
convert_any(struct db_value *out, const struct source *s)
{
	if (s->tok->type == JSON_TRUE || s->tok->type == JSON_FALSE)
		*out = DB_I(s->tok->type == JSON_TRUE);
	else if (s->tok->type != JSON_NUMBER || !to_exact_number(out, s))
		*out = s->text;
	return reject_affinity(out, s);
}

static int
convert_json(struct db_value *out, const struct source *s)
{
	if (s->tok->type == JSON_NUMBER)
		return convert_any(out, s);
	*out = s->text;
	return 1;
}

/* Keeps a number as it is. */
static int
convert_time(struct db_value *out, const struct source *s)
{
	if (s->tok->type == JSON_NUMBER)
		return convert_any(out, s);
	*out = s->text;
	if (s->tok->type != JSON_STRING ||
	    !datetime_fits(s->text.p, s->text.len, TIME_FORMS))
		return reject_value(s, "type", "not a date or time like "
		    RECORD_TIME_FORMS);
	return 1;
}

/* Appends the decoded bytes to `scratch`. If the text has escapes, its
 * unescaped copy is at the end of `scratch`. The bytes replace this copy,
 * because they are shorter. */
static struct db_value
convert_base64(const struct source *s, struct buf *scratch)
{
	size_t at;

	if (s->tok->flags & JSON_ESCAPED)
		scratch->len -= s->text.len;
	at = scratch->len;
	(void)base64_get(scratch, s->text.p, s->text.len);
	return db_bytes(scratch->data + at, scratch->len - at);
}

/* Converts a JSON string to bytes. A string that starts with \x gives the bytes
 * of its hex digits. Any other string gives the bytes of its characters.
 * In JSON the backslash of \x is escaped, so get_value_text() has written the
 * unescaped string to the end of `scratch`. The bytes replace this text,
 * because they are shorter. `scratch` is not reallocated here: values of other
 * columns of the record point into it. */
static int
convert_bytes(struct db_value *out, const struct source *s,
    struct buf *scratch)
{
	const char *p = s->text.p;
	size_t n = s->text.len;

	if (s->tok->type != JSON_STRING)
		return reject_type(s);
	if (s->r->target->mapping.base64) {
		*out = convert_base64(s, scratch);
		return 1;
	}
	*out = db_bytes(p, n);
	if (n < 2 || p[0] != '\\' || p[1] != 'x')
		return 1;
	for (size_t i = 2; i < n; i += 2)
		if (n % 2 != 0 || hex_byte_value(p + i) == -1)
			return reject_value(s, "type",
			    "not an even number of hex digits after \\x");
	scratch->len -= n;
	for (size_t i = 2; i < n; i += 2)
		buf_char(scratch, (char)hex_byte_value(p + i));
	out->len = n / 2 - 1;
	return 1;
}

/* Returns the value as text. A string gives its characters or, if `raw` is
 * true, the string as JSON. An array or object gives compact JSON. Any other
 * value gives its text in the record. */
static struct db_value
get_value_text(const struct json *j, uint32_t tok, bool raw,
    struct buf *scratch)
{
	const struct json_tok *t = &j->tok[tok];
	struct db_value v = { .type = DB_TEXT };
	size_t at = scratch->len;

	v.p = j->text + t->at;
	v.len = t->len;
	if (t->type == JSON_STRING && !raw) {
		v.p++;
		v.len -= 2;
		if ((t->flags & JSON_ESCAPED) == 0)
			return v;
		json_unescape(scratch, j, tok);
	} else if (t->type == JSON_ARRAY || t->type == JSON_OBJECT)
		json_put_compact(scratch, j, tok);
	else
		return v;
	v.p = scratch->data + at;
	v.len = scratch->len - at;
	return v;
}

int
sqlite_convert(struct db_value *out, struct reader *r, size_t column,
    struct buf *scratch, struct reject *why)
{
	const struct json *j = reader_json(r, column);
	uint32_t tok = r->value[column];
	struct source s = { .r = r, .column = column, .why = why,
		.c = &r->target->table->columns[column],
		.tok = &j->tok[tok] };

	if (s.tok->type == JSON_NULL) {
		*out = (struct db_value){ .type = DB_NULL };
		return 1;
	}
	s.text = get_value_text(j, tok, s.c->kind == COLUMN_JSON, scratch);
	switch (s.c->kind) {
	case COLUMN_INT:
		return convert_int(out, &s);
	case COLUMN_REAL:
		return convert_real(out, &s);
	case COLUMN_NUMERIC:
		return convert_numeric(out, &s);
	case COLUMN_BOOL:
		return convert_bool(out, &s);
	case COLUMN_TIME:
		return convert_time(out, &s);
	case COLUMN_BYTES:
		return convert_bytes(out, &s, scratch);
	case COLUMN_ANY:
		return convert_any(out, &s);
	case COLUMN_JSON:
		return convert_json(out, &s);
	default:
		*out = s.text;
		return 1;
	}
}

static bool
fits_type(const struct column *c, const char *text, bool number)
{
	switch (c->kind) {
	case COLUMN_INT:
	case COLUMN_REAL:
	case COLUMN_NUMERIC:
	case COLUMN_BOOL:
		return number;
	case COLUMN_TIME:
		return number ||
		    datetime_fits(text, strlen(text), TIME_FORMS);
	default:
		return c->kind != COLUMN_BYTES;
	}
}

bool
sqlite_compares_by_type(
    const struct column *c, const char *text, const char *stored)
{
	bool number = is_sqlite_number(text, strlen(text));
	/* SQLite turns the text into a number if the column has numeric
	 * affinity. BOOLEAN has it, too. */
	bool turned = number && (c->numeric || c->kind == COLUMN_INT ||
	    c->kind == COLUMN_REAL || c->kind == COLUMN_NUMERIC ||
	    c->kind == COLUMN_BOOL);

	if (!fits_type(c, text, number))
		return false;
	if (stored == NULL)
		return true;
	if (strcmp(stored, "integer") == 0 || strcmp(stored, "real") == 0)
		return number;
	return strcmp(stored, "text") == 0 && !turned;
}

/* The bytes of a text end with a NUL. This is safe, because a text contains no
 * NUL. */
void
sqlite_put_bytes(struct buf *b, const struct db_value *v)
{
	uint64_t u = (uint64_t)v->i ^ (uint64_t)1 << 63;
	char bytes[8];

	buf_char(b, (char)v->type);
	if (v->type == DB_REAL) {
		buf_add(b, &v->r, sizeof(v->r));
	} else if (v->type == DB_INT) {
		for (int i = 7; i >= 0; i--, u >>= 8)
			bytes[i] = (char)(u & 0xff);
		buf_add(b, bytes, sizeof(bytes));
	} else if (v->type == DB_TEXT) {
		buf_add(b, v->p, v->len);
		buf_char(b, '\0');
	} else if (v->type == DB_BLOB) {
		buf_add(b, &v->len, sizeof(v->len));
		buf_add(b, v->p, v->len);
	}
}

int
lite_tuple_init(
    struct lite_tuple *t, const struct shape *columns, struct err *e)
{
	*t = (struct lite_tuple){ .columns = columns };
	buf_init(&t->scratch, SIZE_MAX / 2);
	t->values = calloc(columns->n + 1, sizeof(*t->values));
	return t->values == NULL ? err_nomem(e) : 0;
}

void
lite_tuple_release(struct lite_tuple *t)
{
	free(t->values);
	t->values = NULL;
	buf_release(&t->scratch);
}

int
lite_tuple_read(struct lite_tuple *t, struct reader *r, const struct line *l,
    struct err *e)
{
	struct reject why;
	int rc = record_part_read(r, l, t->columns, e);

	if (rc != 1)
		return rc;
	if (t->scratch.cap > SPOOL_LARGE)
		buf_release(&t->scratch);
	buf_clear(&t->scratch);
	if (!buf_reserve(&t->scratch, row_max_size(r, t->columns, l) + 1))
		return buf_check(&t->scratch, e);
	for (size_t i = 0; i < t->columns->n; i++)
		if (sqlite_convert(&t->values[i], r, t->columns->columns[i],
		    &t->scratch, &why) == 0)
			return 0;
	return 1;
}
