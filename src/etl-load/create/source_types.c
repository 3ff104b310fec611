#include "create/source_types.h"

#include "create/value_kinds.h"
#include "json/number.h"
#include "json/write.h"
#include "stream/mark.h"
#include "table/exact_number.h"

#include <ctype.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NUMERIC_MAX = 1000,     /* digits that numeric(p,s) may have */
	COLUMNS_MAX = 2000      /* no database allows more */
};

enum base { SMALLINT, INTEGER, BIGINT, NUMERIC, REAL, DOUBLE, BOOLEAN, DATE,
	TIME, TIMESTAMP, TIMESTAMPTZ, TEXT, UUID, JSONB, BYTEA };

/* The words for types in the mark columns. They are also the names of the types
 * in PostgreSQL. SQLite has no type that keeps all values of numeric: the
 * values decide, unless the type has so few digits that a double keeps them. */
static const struct {
	const char *name, *lite;
} types[] = {
	[SMALLINT] = { "smallint", "INTEGER" },
	[INTEGER] = { "integer", "INTEGER" },
	[BIGINT] = { "bigint", "INTEGER" },
	[NUMERIC] = { "numeric", NULL },
	[REAL] = { "real", "REAL" },
	[DOUBLE] = { "double precision", "REAL" },
	[BOOLEAN] = { "boolean", "BOOLEAN" },
	[DATE] = { "date", "TEXT" },
	[TIME] = { "time", "TEXT" },
	[TIMESTAMP] = { "timestamp", "TEXT" },
	[TIMESTAMPTZ] = { "timestamptz", "TEXT" },
	[TEXT] = { "text", "TEXT" },
	[UUID] = { "uuid", "TEXT" },
	[JSONB] = { "jsonb", "JSON" },
	[BYTEA] = { "bytea", "BLOB" },
};

void
source_types_release(struct source_types *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].name);
	free(t->v);
	*t = (struct source_types){ 0 };
}

/* Starts behind the entry that was found last: the members of a record mostly
 * have the order of the columns. */
struct source_type *
source_types_find(struct source_types *t, const char *name, size_t len)
{
	for (size_t i = 1; i <= t->n; i++) {
		size_t k = (t->last + i) % t->n;

		if (t->v[k].len == len && memcmp(t->v[k].name, name, len) == 0)
			return &t->v[t->last = k];
	}
	return NULL;
}

/* Reads the word for a type. Returns false if it is not in the list. The
 * numbers of numeric(p,s) must be written as this function itself would write
 * them. */
static bool
parse_type(struct source_type *t, const char *word)
{
	int p = 0, s = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, word) == 0) {
			t->base = (int)i;
			(void)snprintf(t->sql, sizeof(t->sql), "%s", word);
			return true;
		}
	if (sscanf(word, "numeric(%4d,%4d)", &p, &s) != 2 || p < 1 ||
	    p > NUMERIC_MAX || s < 0 || s > p)
		return false;
	*t = (struct source_type){ .base = NUMERIC, .precision = p,
		.scale = s };
	(void)snprintf(t->sql, sizeof(t->sql), "numeric(%d,%d)", p, s);
	(void)snprintf(t->lite, sizeof(t->lite), "NUMERIC(%d,%d)", p, s);
	return strcmp(t->sql, word) == 0;
}

/* Adds the type of a column. If two sources of the stream have different types
 * for a name, the values decide. */
static int
add_type(struct source_types *t, const struct buf *name, const char *word,
    struct err *e)
{
	struct source_type new = { 0 }, *v;
	bool is_known = parse_type(&new, word);
	struct source_type *old =
	    source_types_find(t, name->data, name->len);

	if (old != NULL)
		old->misfits |= !is_known || strcmp(old->sql, new.sql) != 0;
	if (old != NULL || !is_known || t->n == COLUMNS_MAX)
		return 0;
	v = realloc(t->v, (t->n + 1) * sizeof(*v));
	if (v == NULL)
		return err_nomem(e);
	t->v = v;
	new.len = name->len;
	if ((new.name = strndup(name->data, name->len)) == NULL)
		return err_nomem(e);
	v[t->n++] = new;
	return 0;
}

int
source_types_read(
    struct source_types *t, const char *line, size_t len, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	struct mark m;
	struct buf name, word;
	uint32_t o, i;
	size_t left = COLUMNS_MAX;
	int rc = mark_parse(&m, line, len, e);

	if (rc == -1 || m.kind != MARK_COLUMNS) {
		mark_release(&m);
		return rc;
	}
	buf_init(&name, SIZE_MAX / 4);
	buf_init(&word, SIZE_MAX / 4);
	rc = json_scan(&j, line, len, 2, JSON_UNIQUE, &f) == 0 ? 0 :
	    err_nomem(e);
	o = rc == 0 ? json_member_value(&j, 0, "columns", 7) : 0;
	for (i = o + 1; rc == 0 && i < j.tok[o].next && left-- > 0;
	    i = j.tok[i + 1].next) {
		buf_clear(&name);
		buf_clear(&word);
		json_unescape(&name, &j, i);
		json_unescape(&word, &j, i + 1);
		(void)buf_text(&name);
		(void)buf_text(&word);
		if (buf_check(&name, e) == -1 || buf_check(&word, e) == -1 ||
		    add_type(t, &name, word.data, e) == -1)
			rc = -1;
	}
	json_release(&j);
	buf_release(&name);
	buf_release(&word);
	mark_release(&m);
	return rc;
}

static bool
fits_integer(int base, const char *p, size_t n)
{
	static const int64_t max[] = { [SMALLINT] = INT16_MAX,
		[INTEGER] = INT32_MAX, [BIGINT] = INT64_MAX };
	int64_t v;

	return number_to_int64(p, n, &v) && v <= max[base] &&
	    v >= -max[base] - 1;
}

/* The absolute value must be less than 10^(precision - scale). */
static bool
fits_numeric(const struct source_type *t, const char *p, size_t n)
{
	char end[16];
	size_t minus = *p == '-';

	if (t->precision == 0)
		return true;
	(void)snprintf(end, sizeof(end), "1e%d", t->precision - t->scale);
	return count_decimals(p, n, 0) <= t->scale &&
	    number_compare(p + minus, n - minus, end, strlen(end)) < 0;
}

/* True if the text is a time of RFC 3339 when `before` and `after` are added,
 * and a blank may stand for the T. */
static bool
fits_time(const char *before, const char *p, size_t n, const char *after)
{
	enum { T = 10, LONGEST = 40 };
	char time[64];
	int len;

	if (n > LONGEST)
		return false;
	len = snprintf(time, sizeof(time), "%s%.*s%s", before, (int)n, p,
	    after);
	if (len > T && time[T] == ' ')
		time[T] = 'T';
	return value_is_time(time, (size_t)len);
}

static bool
fits_uuid(const char *p, size_t n)
{
	enum { LENGTH = 36 };

	for (size_t i = 0; i < n; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? p[i] != '-' :
		    !isxdigit((unsigned char)p[i]))
			return false;
	return n == LENGTH;
}

/* In JSON the backslash of \x is written twice. */
static bool
fits_bytes(const char *p, size_t n)
{
	if (n < 3 || n % 2 == 0 || memcmp(p, "\\\\x", 3) != 0)
		return false;
	for (size_t i = 3; i < n; i++)
		if (!isxdigit((unsigned char)p[i]))
			return false;
	return true;
}

static bool
is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(p, word, n) == 0;
}

static bool
fits_string(struct source_type *t, const char *p, size_t n, unsigned kind)
{
	bool is_infinite = is_word(p, n, "infinity") ||
	    is_word(p, n, "-infinity");

	switch (t->base) {
	case NUMERIC:
	case REAL:
	case DOUBLE:
		t->is_special = true;
		return is_word(p, n, "NaN") || (t->precision == 0 &&
		    (is_word(p, n, "Infinity") || is_word(p, n, "-Infinity")));
	case DATE:
		return kind == KIND_DATE || is_infinite;
	case TIME:
		return fits_time("2000-01-01T", p, n, "Z");
	case TIMESTAMP:
		return fits_time("", p, n, "Z") || is_infinite;
	case TIMESTAMPTZ:
		return fits_time("", p, n, "") || is_infinite;
	case UUID:
		return fits_uuid(p, n);
	case BYTEA:
		return fits_bytes(p, n);
	default:
		return t->base == TEXT;
	}
}

static bool
fits_number(const struct source_type *t, const char *p, size_t n, unsigned kind)
{
	switch (t->base) {
	case SMALLINT:
	case INTEGER:
	case BIGINT:
		return fits_integer(t->base, p, n);
	case NUMERIC:
		return kind != KIND_HUGE && fits_numeric(t, p, n);
	case REAL:
		return float_keeps_number(p, n, FLT_MANT_DIG);
	case DOUBLE:
		return (kind & ~(unsigned)(KIND_INT | KIND_REAL)) == 0;
	default:
		return t->base == BOOLEAN && n == 1 && (*p == '0' || *p == '1');
	}
}

void
source_type_compare(struct source_type *t, const struct json *j, uint32_t tok,
    unsigned kind)
{
	const struct json_tok *v = &j->tok[tok];
	const char *p = j->text + v->at;

	if (t->base == JSONB || kind == 0)
		return;
	if (v->type == JSON_NUMBER)
		t->misfits |= !fits_number(t, p, v->len, kind);
	else if (v->type == JSON_STRING)
		t->misfits |= !fits_string(t, p + 1, v->len - 2, kind);
	else
		t->misfits |= t->base != BOOLEAN || kind != KIND_BOOL;
}

/* A column that an option sets gets the type for the option. */
const char *
source_type_name(
    const struct source_type *t, unsigned kinds, enum db_kind db)
{
	bool is_exact = t->precision > 0 && t->precision <= DBL_DIG;

	if (t->misfits || kinds >= KIND_OPTION_TIME ||
	    (db == DB_SQLITE && t->is_special))
		return NULL;
	if (t->base == JSONB)
		return value_type_name(kinds | KIND_JSON, db);
	if (t->base == NUMERIC && db == DB_SQLITE)
		return is_exact ? t->lite : NULL;
	return db == DB_SQLITE ? types[t->base].lite : t->sql;
}
