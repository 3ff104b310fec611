#include "create/value_kinds.h"

#include "base/instant.h"
#include "json/number.h"
#include "table/exact_number.h"

#include <float.h>
#include <limits.h>
#include <math.h>
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

bool
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
const char *
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
