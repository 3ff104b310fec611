#include "db/column.h"

#include <string.h>
#include <strings.h>

enum { SECOND_DIGITS = 6 };      /* that PostgreSQL stores */

struct named {
	const char *name;
	enum column_kind kind;
	int64_t min, max;
};

static void
set_kind(struct column *c, const struct named *n)
{
	c->kind = n->kind;
	c->min = n->min;
	c->max = n->max;
}

static bool
contains_nocase(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, part, n) == 0)
			return true;
	return false;
}

/* Returns true if a column of this type has SQLite's numeric affinity: if a
 * text looks like a number, SQLite then stores it as a number. A declared type
 * has this affinity if SQLite's rules do not name it, for example DATE or
 * JSON. */
static bool
has_numeric_affinity(const struct column *c, const char *declared)
{
	return *declared != '\0' && (c->kind == COLUMN_ANY ||
	    c->kind == COLUMN_JSON || c->kind == COLUMN_TIME);
}

void
column_set_kind_sqlite(struct column *c, const char *declared, bool strict)
{
	/* SQLite searches the declared type for these words to find out which
	 * type of value the column prefers (its affinity). The rows from INT
	 * to DOUB have the same order as SQLite's rules ("Datatypes In
	 * SQLite", section 3.1), so that the kind agrees with the affinity. */
	static const struct named parts[] = {
		{ "INT", COLUMN_INT, INT64_MIN, INT64_MAX },
		{ "CHAR", COLUMN_TEXT, 0, 0 }, { "CLOB", COLUMN_TEXT, 0, 0 },
		{ "TEXT", COLUMN_TEXT, 0, 0 }, { "BLOB", COLUMN_BYTES, 0, 0 },
		{ "REAL", COLUMN_REAL, 0, 0 }, { "FLOA", COLUMN_REAL, 0, 0 },
		{ "DOUB", COLUMN_REAL, 0, 0 },
		{ "BOOL", COLUMN_BOOL, 0, 0 },
		{ "NUMERIC", COLUMN_NUMERIC, 0, 0 },
		{ "DECIMAL", COLUMN_NUMERIC, 0, 0 },
		{ "JSON", COLUMN_JSON, 0, 0 },
		{ "BYTEA", COLUMN_BYTES, 0, 0 },
		{ "DATE", COLUMN_TIME, 0, 0 }, { "TIME", COLUMN_TIME, 0, 0 },
	};

	c->kind = COLUMN_ANY;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (contains_nocase(declared, parts[i].name)) {
			set_kind(c, &parts[i]);
			break;
		}
	c->numeric = !strict && has_numeric_affinity(c, declared);
}

/* Returns NULL for any other type. */
static const struct named *
find_pg_type(const char *type)
{
	static const struct named types[] = {
		{ "int2", COLUMN_INT, INT16_MIN, INT16_MAX },
		{ "int4", COLUMN_INT, INT32_MIN, INT32_MAX },
		{ "int8", COLUMN_INT, INT64_MIN, INT64_MAX },
		{ "oid", COLUMN_INT, 0, UINT32_MAX },
		{ "float4", COLUMN_REAL, 0, 0 },
		{ "float8", COLUMN_REAL, 0, 0 },
		{ "numeric", COLUMN_NUMERIC, 0, 0 },
		{ "bool", COLUMN_BOOL, 0, 0 },
		{ "text", COLUMN_TEXT, 0, 0 },
		{ "varchar", COLUMN_TEXT, 0, 0 },
		{ "bpchar", COLUMN_TEXT, 0, 0 },
		{ "name", COLUMN_TEXT, 0, 0 },
		{ "citext", COLUMN_TEXT, 0, 0 },
		{ "timestamptz", COLUMN_TIME, 0, 0 },
		{ "timestamp", COLUMN_TIME, 0, 0 },
		{ "date", COLUMN_TIME, 0, 0 },
		{ "time", COLUMN_TIME, 0, 0 },
		{ "timetz", COLUMN_TIME, 0, 0 },
		{ "json", COLUMN_JSON, 0, 0 },
		{ "jsonb", COLUMN_JSON, 0, 0 },
		{ "bytea", COLUMN_BYTES, 0, 0 },
		{ "range", COLUMN_RANGE, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].name) == 0)
			return &types[i];
	return NULL;
}

void
column_set_kind_pg(struct column *c, const char *type, const char *element)
{
	const struct named *n = find_pg_type(element != NULL ? element : type);

	c->kind = c->element = COLUMN_ANY;
	if (n != NULL)
		set_kind(c, n);
	if (element != NULL) {
		c->element = c->kind;
		c->kind = COLUMN_ARRAY;
	}
}

/* PostgreSQL stores the two numbers of numeric(6,2) as one number, the typmod.
 * Its lowest 11 bits are the scale, the digits after the point. The scale may
 * be negative: numeric(6,-2) rounds to hundreds. */
static int
get_numeric_scale(int64_t typmod)
{
	enum { VARHDRSZ = 4, SCALE_BITS = 0x7ff, SCALE_SIGN = 0x400 };

	return (int)(((typmod - VARHDRSZ) & SCALE_BITS) ^ SCALE_SIGN) -
	    SCALE_SIGN;
}

/* The lowest 16 bits of the typmod of an interval are the digits of a second.
 * The bits above them stand for the fields that the declaration names, such as
 * DAY in `interval day`. If seconds are not among the fields, sets change_limit
 * to the finest field. */
static void
set_interval(struct column *c, int64_t typmod)
{
	enum { NO_PRECISION = 0xffff, SECOND = 1 << 12, ALL = 0x7fff };
	static const struct {
		unsigned bit;
		enum interval_field field;
	} fields[] = {
		{ 1U << 11, FIELD_MINUTE }, { 1U << 10, FIELD_HOUR },
		{ 1U << 3, FIELD_DAY }, { 1U << 1, FIELD_MONTH },
		{ 1U << 2, FIELD_YEAR },
	};
	uint64_t named = (uint64_t)typmod >> 16 & ALL;
	size_t i = 0;

	if (typmod == -1 || named == ALL || (named & SECOND) != 0) {
		c->change = CHANGE_INTERVAL;
		c->change_limit = typmod == -1 ||
		    (typmod & NO_PRECISION) == NO_PRECISION ? SECOND_DIGITS :
		    (int)(typmod & NO_PRECISION);
		return;
	}
	while (i < 4 && (named & fields[i].bit) == 0)
		i++;
	c->change = CHANGE_FIELDS;
	c->change_limit = (int)fields[i].field;
}

void
column_set_change_pg(struct column *c, const char *type, int64_t typmod)
{
	enum { VARHDRSZ = 4 };
	static const struct {
		const char *type;
		enum column_change change;
		int limit;
	} types[] = {
		{ "char", CHANGE_CHAR, 0 }, { "date", CHANGE_DATE, 0 },
		{ "float4", CHANGE_FLOAT, 24 }, { "float8", CHANGE_FLOAT, 53 },
		{ "oid", CHANGE_SIGN, 0 }, { "xid", CHANGE_SIGN, 0 },
		{ "xid8", CHANGE_SIGN, 0 }, { "cid", CHANGE_SIGN, 0 },
		{ "time", CHANGE_TIME, SECOND_DIGITS },
		{ "timetz", CHANGE_TIMETZ, SECOND_DIGITS },
		{ "timestamp", CHANGE_TIMESTAMP, SECOND_DIGITS },
		{ "timestamptz", CHANGE_TIMESTAMPTZ, SECOND_DIGITS },
		{ "macaddr8", CHANGE_MACADDR8, 0 },
	};

	c->change = CHANGE_NONE;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0) {
			c->change = types[i].change;
			c->change_limit = typmod >= 0 ? (int)typmod :
			    types[i].limit;
			return;
		}
	c->change_limit = (int)typmod;
	if (strcmp(type, "interval") == 0) {
		set_interval(c, typmod);
	} else if (strcmp(type, "name") == 0) {
		c->change = CHANGE_BYTES;
	} else if (strcmp(type, "money") == 0) {
		c->change = typmod == -1 ? CHANGE_POINT : CHANGE_DECIMALS;
	} else if (strcmp(type, "record") == 0) {
		c->change = typmod > 0 ? CHANGE_UNKNOWN : CHANGE_NONE;
	} else if (strcmp(type, "varchar") == 0 && typmod != -1) {
		c->change = CHANGE_BLANKS;
		c->change_limit = (int)typmod - VARHDRSZ;
	} else if (strcmp(type, "numeric") == 0 && typmod != -1) {
		c->change = CHANGE_DECIMALS;
		c->change_limit = get_numeric_scale(typmod);
	}
}
