/* Prepares a query of PostgreSQL and finds its parameters and columns.
 * Owns:  struct pg_source belongs to sql_pg.c.
 * Gives: s->name, the prepared statement; s->columns; s->cursor_type.
 * Fails: ERR_CONFIG if the server does not accept the query. The message has
 *        the line and the column if the server reports them. */
#ifndef EXTRACT_SQL_PG_PREPARE_H
#define EXTRACT_SQL_PG_PREPARE_H

#include "db/pg.h"
#include "sql/sql_columns.h"
#include "sql/sql_text.h"

enum { PG_SOURCE_NAME = 24 };

struct pg_source {
	struct sql_query *query;
	struct db *db;
	struct pg *pg;
	struct sql_text text;   /* the query, with $1 and $2 */
	struct buf table;       /* of --table, in SQL quotes */
	struct buf sql;         /* the last query that was made for --table */
	struct buf last;        /* with a pooler: the last query prepared */
	struct sql_columns columns;
	unsigned cursor_type;   /* OID; 0: not known */
	unsigned param_type;    /* OID of its parameters, as prepared */
	char name[PG_SOURCE_NAME];        /* of the prepared query */
	unsigned serial;
	struct pg_args args;
	struct pg_answer *row;
	size_t wrapped_at;      /* characters before the user's query in the
				 * prepared query */
};

/* Prepares the query. Fails if the server refuses it or its columns cannot be
 * used. */
int pg_source_prepare(struct pg_source *s, const char *sql, struct err *e);
size_t pg_source_count_params(const struct pg_source *s);
/* Sends the query that was prepared last, with s->args. */
int pg_source_send_query(struct pg_source *s, struct err *e);
/* Puts the line and the column of the error in the user's query before the
 * message. Returns -1. */
int pg_source_prefix(const struct pg_source *s, struct err *e);

#endif
