#include "sql/sql_pg_value.h"

#include "json/write.h"

#include <stdio.h>
#include <string.h>

/* The built-in types of PostgreSQL, from the catalog pg_type. `collated`: see
 * sql_pg_is_collated(); `sorted`: see sql_pg_is_sorted().
 */
static const struct pg_type {
	unsigned oid;
	enum sql_pg_kind kind;
	bool collated, sorted;
	const char *name;       /* of sql_pg_set_type(); NULL: none */
} types[] = {
	{ 16, SQL_PG_BOOL, false, false, "boolean" },
	{ 17, SQL_PG_STRING, false, true, "bytea" },
	{ 18, SQL_PG_STRING, false, false, "text" }, /* "char" */
	{ 19, SQL_PG_STRING, true, true, "text" }, /* name */
	{ 20, SQL_PG_NUMBER, false, true, "bigint" }, /* int8 */
	{ 21, SQL_PG_NUMBER, false, true, "smallint" }, /* int2 */
	{ 23, SQL_PG_NUMBER, false, true, "integer" }, /* int4 */
	{ SQL_PG_TEXT_OID, SQL_PG_STRING, true, true, "text" },
	{ 26, SQL_PG_NUMBER, false, true, "bigint" }, /* oid */
	{ 114, SQL_PG_JSON, false, false, "jsonb" },
	{ 142, SQL_PG_STRING, false, false, NULL }, /* xml */
	{ 650, SQL_PG_STRING, false, false, NULL }, /* cidr */
	{ 700, SQL_PG_NUMBER, false, true, "real" }, /* float4 */
	{ 701, SQL_PG_NUMBER, false, true, "double precision" },
	{ 705, SQL_PG_STRING, false, false, NULL }, /* unknown */
	{ 790, SQL_PG_STRING, false, false, NULL }, /* money */
	{ 829, SQL_PG_STRING, false, false, NULL }, /* macaddr */
	{ 869, SQL_PG_STRING, false, false, NULL }, /* inet */
	{ 1042, SQL_PG_STRING, true, false, "text" }, /* char(n) */
	{ 1043, SQL_PG_STRING, true, true, "text" }, /* varchar */
	{ 1082, SQL_PG_STRING, false, true, "date" },
	{ 1083, SQL_PG_STRING, false, true, "time" },
	{ 1114, SQL_PG_TIMESTAMP, false, true, "timestamp" },
	{ SQL_PG_TIMESTAMPTZ_OID, SQL_PG_TIMESTAMP_ZONE, false, true,
	    "timestamptz" },
	{ 1186, SQL_PG_STRING, false, false, NULL }, /* interval */
	{ 1266, SQL_PG_STRING, false, false, NULL }, /* timetz */
	{ 1560, SQL_PG_STRING, false, false, NULL }, /* bit */
	{ 1562, SQL_PG_STRING, false, false, NULL }, /* varbit */
	{ SQL_PG_NUMERIC_OID, SQL_PG_NUMBER, false, true, "numeric" },
	{ 2278, SQL_PG_STRING, false, false, NULL }, /* void */
	{ 2950, SQL_PG_STRING, false, true, "uuid" },
	{ 3802, SQL_PG_JSON, false, false, "jsonb" },
};

static const struct pg_type *
find_type(unsigned oid)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].oid == oid)
			return &types[i];
	return NULL;
}

enum sql_pg_kind
sql_pg_kind_of(unsigned oid)
{
	const struct pg_type *t = find_type(oid);

	return t == NULL ? SQL_PG_OTHER : t->kind;
}

bool
sql_pg_is_collated(unsigned oid)
{
	const struct pg_type *t = find_type(oid);

	return t != NULL && t->collated;
}

bool
sql_pg_is_sorted(unsigned oid)
{
	const struct pg_type *t = find_type(oid);

	return t != NULL && t->sorted;
}

/* The typmod of numeric(p,s) is ((p << 16) | s) + 4. The scale has 11 bits, and
 * the highest of them is its sign. */
void
sql_pg_set_type(struct sql_column *c, unsigned oid, int typmod)
{
	enum { VARHDRSZ = 4, SCALE_BITS = 0x7ff };
	const struct pg_type *t = find_type(oid);
	int digits = typmod - VARHDRSZ;

	if (oid == SQL_PG_NUMERIC_OID)
		sql_column_set_numeric(c, typmod == -1 ? 0 : digits >> 16,
		    digits & SCALE_BITS);
	else if (t != NULL && t->name != NULL)
		(void)snprintf(c->type, sizeof(c->type), "%s", t->name);
}

/* Writes NaN, Infinity and -Infinity as strings: they are not JSON numbers. */
static void
put_pg_number(struct buf *b, const char *p, size_t n)
{
	char last = p[n - 1];
	bool quoted = last == 'N' || last == 'y';

	if (quoted)
		buf_char(b, '"');
	buf_add(b, p, n);
	if (quoted)
		buf_char(b, '"');
}

/* Writes "2026-01-02 03:04:05+00" as "2026-01-02T03:04:05+00:00". RFC 3339
 * cannot express a year before 1 or infinity: a year keeps its " BC", and
 * infinity is written as it is. */
static void
put_timestamp(struct buf *b, const char *p, size_t n, bool zone)
{
	const char *blank = memchr(p, ' ', n);
	size_t bc = n > 3 && memcmp(p + n - 3, " BC", 3) == 0 ? 3 : 0;

	buf_char(b, '"');
	if (blank == NULL) {
		buf_add(b, p, n);
	} else {
		buf_add(b, p, (size_t)(blank - p));
		buf_char(b, 'T');
		buf_add(b, blank + 1, n - bc - (size_t)(blank + 1 - p));
		if (zone)
			buf_add(b, ":00", 3);
		buf_add(b, p + n - bc, bc);
	}
	buf_char(b, '"');
}

void
sql_pg_put_value(struct buf *b, enum sql_pg_kind k, const char *p, size_t n)
{
	switch (k) {
	case SQL_PG_NUMBER:
		put_pg_number(b, p, n);
		break;
	case SQL_PG_BOOL:
		buf_str(b, *p == 't' ? "true" : "false");
		break;
	case SQL_PG_JSON:
	case SQL_PG_OTHER:
		buf_add(b, p, n);
		break;
	case SQL_PG_TIMESTAMP:
		put_timestamp(b, p, n, false);
		break;
	case SQL_PG_TIMESTAMP_ZONE:
		put_timestamp(b, p, n, true);
		break;
	default:
		json_put_string(b, p, n);
	}
}
