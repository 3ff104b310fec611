/* Values of PostgreSQL, in the text that the server sends, as JSON.
 * Gives: numbers keep their digits; NaN and infinities become strings; json is
 *        copied; a timestamp gets the form of RFC 3339; all other values become
 *        strings as the server writes them. The session's time zone must be
 *        UTC. */
#ifndef EXTRACT_SQL_PG_VALUE_H
#define EXTRACT_SQL_PG_VALUE_H

#include "sql/sql_columns.h"

enum sql_pg_kind {
	SQL_PG_OTHER,           /* the server must make JSON of it */
	SQL_PG_NUMBER, SQL_PG_BOOL, SQL_PG_JSON, SQL_PG_TIMESTAMP,
	SQL_PG_TIMESTAMP_ZONE, SQL_PG_STRING
};

/* Types that etl-extract uses by their OID, which never changes. */
enum { SQL_PG_TEXT_OID = 25, SQL_PG_TIMESTAMPTZ_OID = 1184,
	SQL_PG_NUMERIC_OID = 1700 };

enum sql_pg_kind sql_pg_kind_of(unsigned oid);
/* Sets c->type, if the mark columns has a word for the type. */
void sql_pg_set_type(struct sql_column *c, unsigned oid, int typmod);
/* Appends the value as JSON. */
void sql_pg_put_value(struct buf *b, enum sql_pg_kind k, const char *p,
    size_t n);
/* True for text types: the server sorts their values by a collation. */
bool sql_pg_is_collated(unsigned oid);
/* True if the server, with collation "C" for text types, sorts the values of
 * this type in the order in which etl-extract compares them. */
bool sql_pg_is_sorted(unsigned oid);

#endif
