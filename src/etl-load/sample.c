#include "sample.h"

#include "base/clock.h"
#include "base/datetime.h"
#include "exact_number.h"
#include "json/number.h"
#include "json/pointer.h"
#include "json/write.h"
#include "spec.h"
#include "stream/mark.h"

#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers with more digits are stored as text, although PostgreSQL's numeric
 * allows more: a short number such as 1e100000 would need 100,000 digits in the
 * table. */
enum { NUMBER_DIGITS = 1000, DATE_TEXT = 10 };

static unsigned
kind_of_number(const char *p, size_t n, bool fraction)
{
	char text[NUMBER_TEXT];
	int64_t i;
	int decimals = count_decimals(p, n, 0);
	double d;

	if (n > NUMBER_DIGITS || (decimals != INT_MIN &&
	    abs(decimals) > NUMBER_DIGITS))
		return KIND_HUGE;
	if (!fraction)
		return !number_to_int64(p, n, &i) ? KIND_DECIMAL :
		    float_keeps_int(p, n, DBL_MANT_DIG) ? KIND_INT :
		    KIND_INT | KIND_WIDE;
	d = number_to_double(p, n);
	return !isinf(d) && number_equals(text,
	    number_put_shortest(text, d), p, n) ? KIND_REAL :
	    KIND_DECIMAL;
}

/* True if the text is a time of RFC 3339 that PostgreSQL stores without a
 * change: not more than six digits of the second, no leap second, no year 0 and
 * an offset of less than 16 hours. */
static bool
value_is_time(const char *p, size_t n)
{
	enum { DIGITS = 6, OFFSET_BELOW = 16 * 3600 };
	struct instant t;

	return n > DATE_TEXT && p[DATE_TEXT] == 'T' && p[n - 1] != 'z' &&
	    instant_parse(&t, p, n) && t.digits <= DIGITS && !t.is_leap &&
	    memcmp(p, "0000", 4) != 0 && abs(t.east) < OFFSET_BELOW;
}

static unsigned
kind_of_string(const char *p, size_t n)
{
	static const char midnight[] = "T00:00:00Z";
	char time[DATE_TEXT + sizeof(midnight)];

	if (value_is_time(p, n))
		return KIND_TIME;
	if (n != DATE_TEXT)
		return KIND_TEXT;
	memcpy(time, p, n);
	memcpy(time + n, midnight, sizeof(midnight));
	return value_is_time(time, sizeof(time) - 1) ? KIND_DATE : KIND_TEXT;
}

unsigned
value_kind(const struct json *j, uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];
	const char *p = j->text + t->at;

	switch (t->type) {
	case JSON_NULL:
		return 0;
	case JSON_FALSE:
	case JSON_TRUE:
		return KIND_BOOL;
	case JSON_NUMBER:
		return kind_of_number(p, t->len, t->flags & JSON_FRACTION);
	case JSON_STRING:
		return t->flags & JSON_ESCAPED ? KIND_TEXT :
		    kind_of_string(p + 1, t->len - 2);
	default:
		return KIND_JSON;
	}
}

/* Returns the type for values of these kinds: that of the first line in types[]
 * that includes all of them. In SQLite a NUMERIC column keeps 64-bit integers
 * and doubles, and a TEXT column keeps each value as it is written. PostgreSQL
 * gets numeric for each number with a fraction: amounts of money must add up,
 * and a later number may have more digits than a double. */
static const char *
value_type_name(unsigned kinds, enum db_kind db)
{
	static const struct {
		unsigned kinds;
		const char *pg, *lite;
	} types[] = {
		{ 0, "text", "TEXT" },
		{ KIND_BOOL, "boolean", "BOOLEAN" },
		{ KIND_INT | KIND_WIDE, "bigint", "INTEGER" },
		{ KIND_INT | KIND_REAL, "numeric", "REAL" },
		{ KIND_INT | KIND_WIDE | KIND_REAL, "numeric", "NUMERIC" },
		{ KIND_INT | KIND_WIDE | KIND_REAL | KIND_DECIMAL, "numeric",
		    "TEXT" },
		{ KIND_DATE, "date", "TEXT" },
		{ KIND_TIME, "timestamptz", "TEXT" },
		{ KIND_OPTION_TIME, "timestamptz", "TEXT" },
		{ KIND_OPTION_BOOL, "boolean", "BOOLEAN" },
		{ KIND_OPTION_JSON, "jsonb", "JSON" },
	};
	const unsigned in_json = KIND_BOOL | KIND_INT | KIND_WIDE | KIND_REAL |
	    KIND_DATE | KIND_TIME | KIND_TEXT | KIND_JSON;
	const unsigned digits = KIND_DECIMAL;
	bool lite = db == DB_SQLITE;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((kinds & ~types[i].kinds) == 0)
			return lite ? types[i].lite : types[i].pg;
	if ((kinds & KIND_JSON) != 0 &&
	    (kinds & ~(lite ? in_json : in_json | digits)) == 0)
		return lite ? "JSON" : "jsonb";
	return lite ? "TEXT" : "text";
}

size_t
max_columns(enum db_kind db)
{
	return db == DB_SQLITE ? 2000 : 1600;
}

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
static struct source_type *
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

/* Compares a value that is not null with the type, and remembers if it does not
 * fit. `kind`: that of sample.h. */
static void
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

/* Returns the type for a column with values of these kinds, as SQL, or NULL if
 * the values must decide. A column that an option sets gets the type for the
 * option. */
static const char *
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

enum { LEVELS_OF_CHANGE = 3 };

void
sample_init(struct sample *s, const struct load_opts *o,
    const struct load_mode *mode, enum json_members duplicates)
{
	*s = (struct sample){ .o = o, .mode = mode, .duplicates = duplicates };
	keyset_init(&s->columns);
	buf_init(&s->name, SIZE_MAX / 4);
}

void
sample_release(struct sample *s)
{
	keyset_release(&s->columns);
	json_release(&s->json);
	buf_release(&s->name);
}

int
sample_add_kinds(struct sample *s, const char *name, size_t len, unsigned kinds,
    struct err *e)
{
	uint32_t *bits = keyset_value(&s->columns, name, len, e);

	if (bits != NULL)
		*bits |= kinds;
	return bits == NULL ? -1 : 0;
}

int
sample_set_kinds(struct sample *s, const char *name, unsigned kinds,
    struct err *e)
{
	uint32_t *bits = keyset_value(&s->columns, name, strlen(name), e);

	if (bits != NULL)
		*bits = kinds;
	return bits == NULL ? -1 : 0;
}

const char *
sample_get_name(const struct sample *s, size_t i, size_t *len)
{
	*len = s->columns.v[i].len;
	return s->columns.bytes.data + s->columns.v[i].at;
}

/* True if the member is an array whose elements are rows of another table. */
static bool
is_nested(struct sample *s, const char *name, size_t len)
{
	struct buf *b = &s->name;
	size_t at = b->len, n;
	bool found = false;

	pointer_put_part(b, name, len);
	n = b->len - at;
	for (size_t i = 0; i < s->o->nested_at.n && !b->failed && !found; i++) {
		const char *p = s->o->nested_at.v[i];

		found = strlen(p) == n && memcmp(p, b->data + at, n) == 0;
	}
	b->len = at;
	return found;
}

/* True if the member is the first part of a pointer of --map. Its value, or a
 * part of its value, then goes into the column that --map names. */
static bool
is_used_by_map(struct sample *s, const char *name, size_t len)
{
	struct buf *b = &s->name;
	size_t at = b->len;
	bool found = false;

	pointer_put_part(b, name, len);
	for (size_t i = 0; i < s->o->map.n && !b->failed && !found; i++) {
		const char *p = strstr(s->o->map.v[i], "=/") + 1;
		size_t n = b->len - at;

		found = strncmp(p, b->data + at, n) == 0 &&
		    (p[n] == '/' || p[n] == '\0');
	}
	b->len = at;
	return found;
}

/* True if the table gets no column with the name of the member, because the
 * load stores its value elsewhere or not at all. For example, the value of the
 * member of --as-of goes into the column valid_from. */
static bool
gets_no_column(struct sample *s, const char *name, size_t len)
{
	const struct load_opts *o = s->o;

	if (o->columns != NULL)
		return !name_list_has(o->columns, name, len);
	return (o->as_of != NULL && strlen(o->as_of) == len &&
	    memcmp(o->as_of, name, len) == 0) ||
	    (o->map.n > 0 && is_used_by_map(s, name, len)) ||
	    (o->nested_at.n > 0 && is_nested(s, name, len));
}

/* Debezium writes this text in place of a long value that it does not know: the
 * UPDATE has not changed the value, so the database has not sent it. */
static bool
is_placeholder(const struct sample *s, uint32_t tok)
{
	static const char text[] = "\"__debezium_unavailable_value\"";
	const struct json_tok *t = &s->json.tok[tok];

	return s->mode->changes && t->len == sizeof(text) - 1 &&
	    memcmp(s->json.text + t->at, text, t->len) == 0;
}

static unsigned
kind_of_value(const struct sample *s, uint32_t tok)
{
	const struct json_tok *t = &s->json.tok[tok];

	if (s->o->empty_as_null && t->type == JSON_STRING && t->len == 2)
		return 0;
	return value_kind(&s->json, tok);
}

/* Finds the type that the source of the records has for the values of a column,
 * or returns NULL. If --map fills the column, they are the values of another
 * member, or of a part of it. */
static struct source_type *
find_source_type(const struct sample *s, const char *column, size_t len)
{
	for (size_t i = 0; i < s->o->map.n; i++) {
		const char *map = s->o->map.v[i], *to = strstr(map, "=/");

		if ((size_t)(to - map) != len || memcmp(map, column, len) != 0)
			continue;
		column = to + 2;
		len = strlen(column);
		if (strpbrk(column, "/~") != NULL)
			return NULL;
		break;
	}
	return s->source == NULL ? NULL :
	    source_types_find(s->source, column, len);
}

const char *
sample_find_type(const struct sample *s, const char *name, size_t len,
    unsigned kinds, enum db_kind db)
{
	const struct source_type *t = find_source_type(s, name, len);
	const char *type = NULL;

	for (size_t i = 0; i < s->ntypes; i++)
		if (strlen(s->types[i].column) == len &&
		    memcmp(s->types[i].column, name, len) == 0)
			return s->types[i].type;
	if (t != NULL)
		type = source_type_name(t, kinds, db);
	return type != NULL ? type : value_type_name(kinds, db);
}

static int
note_value(struct sample *s, const char *column, size_t len, uint32_t tok,
    struct err *e)
{
	unsigned kind = kind_of_value(s, tok);
	struct source_type *t = find_source_type(s, column, len);

	if (t != NULL)
		source_type_compare(t, &s->json, tok, kind);
	return sample_add_kinds(s, column, len, kind, e);
}

static int
note_members(struct sample *s, uint32_t object, struct err *e)
{
	const struct json_tok *tok = s->json.tok;
	const uint32_t end = tok[object].next;

	for (uint32_t t = object + 1; t < end; t = tok[t + 1].next) {
		const char *name = s->json.text + tok[t].at + 1;
		size_t len = tok[t].len - 2;

		buf_clear(&s->name);
		if (tok[t].flags & JSON_ESCAPED) {
			json_unescape(&s->name, &s->json, t);
			name = buf_text(&s->name);
			len = s->name.len;
		}
		if (buf_check(&s->name, e) == -1)
			return -1;
		if (is_placeholder(s, t + 1) || gets_no_column(s, name, len))
			continue;
		if (note_value(s, name, len, t + 1, e) == -1)
			return -1;
	}
	return buf_check(&s->name, e);
}

/* Notes the values that --map reads from the record. The argument of --map is
 * COLUMN=POINTER. */
static int
note_mapped(struct sample *s, struct err *e)
{
	for (size_t i = 0; i < s->o->map.n; i++) {
		const char *map = s->o->map.v[i];
		size_t len = (size_t)(strstr(map, "=/") - map);
		uint32_t v;

		if (pointer_find(&s->json, map + len + 1, &v) &&
		    note_value(s, map, len, v, e) == -1)
			return -1;
	}
	return 0;
}

static uint32_t
find_object(const struct json *j, uint32_t parent, const char *name)
{
	uint32_t v = json_member_value(j, parent, name, strlen(name));

	return v != 0 && j->tok[v].type == JSON_OBJECT ? v : 0;
}

/* Notes the members of the rows in a change of --mode cdc: its members data,
 * after and before, from which change.c reads rows too. */
static int
note_change(struct sample *s, struct err *e)
{
	static const char *const images[] = { "data", "after", "before" };
	uint32_t root = find_object(&s->json, 0, "payload"), row;

	if (json_member_value(&s->json, 0, "op", 2) != 0 ||
	    json_member_value(&s->json, 0, "operation", 9) != 0)
		root = 0;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		if ((row = find_object(&s->json, root, images[i])) == 0)
			continue;
		s->good++;
		if (note_members(s, row, e) == -1)
			return -1;
	}
	return 0;
}

static unsigned
count_levels(const struct sample *s)
{
	unsigned levels = s->mode->changes ? LEVELS_OF_CHANGE : 1, n;

	for (size_t i = 0; i < s->o->map.n; i++) {
		n = pointer_count(strstr(s->o->map.v[i], "=/") + 1);
		if (n > levels)
			levels = n < JSON_LEVELS_ALL ? n : JSON_LEVELS_ALL;
	}
	return levels;
}

void
sample_forget(struct sample *s)
{
	keyset_clear(&s->columns);
	s->records = s->good = 0;
}

/* Notes the members of one record. Skips a record that is not valid: the load
 * will reject it later. */
int
sample_note_record(struct sample *s, struct stage *stage,
    const struct line *l, struct err *e)
{
	struct reject why;
	int rc = stage_parse_only(stage, l, &s->json, count_levels(s),
	    s->duplicates, &why, e);

	s->records++;
	if (rc != 1)
		return rc;
	if (s->mode->changes)
		return note_change(s, e);
	s->good++;
	return note_members(s, 0, e) == -1 ? -1 : note_mapped(s, e);
}

int
sample_read(struct sample *s, struct stage *stage, struct err *e)
{
	int64_t due = 0, left = -1;
	enum stage_item item = STAGE_WAIT;
	struct line line;

	/* Start from the first record: an earlier call of sample_read() may
	 * have read some records and then failed. */
	stage_restart_ahead(stage);
	sample_forget(s);
	while (s->records < SAMPLE_RECORDS) {
		if (s->records > 0 && (left = due - clock_ms()) < 0)
			break;
		item = stage_look_ahead(
		    stage, &line, SAMPLE_BYTES, (int)left, e);
		if (item == STAGE_FAILED || item == STAGE_STOP)
			return -1;
		if (item == STAGE_END || item == STAGE_WAIT)
			break;
		if (item == STAGE_MARK && s->source != NULL &&
		    !line.too_long && source_types_read(s->source, line.data,
			line.len, e) == -1)
			return -1;
		if (item != STAGE_RECORD)
			continue;
		if (s->records == 0)
			due = clock_ms() + SAMPLE_MS;
		if ((s->note != NULL ? s->note(s->note_self, stage, &line, e) :
			sample_note_record(s, stage, &line, e)) == -1)
			return -1;
	}
	s->no_input = item == STAGE_END && s->records == 0 &&
	    stage_has_ended(stage);
	s->read = true;
	return 0;
}
