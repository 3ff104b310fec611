/* The interface of a database that etl-extract reads. Each database has one
 * const struct.
 * Owns:  open() fills *self; close() frees it and accepts NULL.
 * Borrows: url and *q, until close().
 * Gives: open() connects, checks the query and fills the last part of *q.
 *        start() starts the query; since and until may be NULL. next() appends
 *        a row to *record as one JSON object: 1, 0 at the end, -1 on failure.
 * Fails: transient if another run may succeed. */
#ifndef EXTRACT_SQL_DATABASE_H
#define EXTRACT_SQL_DATABASE_H

#include "base/buf.h"

struct sql_query {
	const char *text;       /* of --query, or NULL */
	const char *table;      /* of --table, or NULL */
	char *cursor;           /* column of --cursor-field; NULL: no cursor */
	bool cursor_is_inside;  /* the cursor is a member inside its value */
	/* open() fills these: */
	bool has_since, has_until;      /* the query has these parameters */
	bool orders_times_as_text;      /* 10:00:00Z comes after 10:00:00.5Z */
};

struct sql_database {
	int (*open)(void **self, const char *url, struct sql_query *q,
	    struct err *e);
	int (*start)(void *self, const char *since, const char *until,
	    struct err *e);
	/* False if next() may wait long for a row: the caller then flushes
	 * first. */
	bool (*is_ready)(void *self);
	int (*next)(void *self, struct buf *record, struct err *e);
	void (*close)(void *self);
	/* Returns the URL of the database without secrets, for messages. */
	const char *(*name)(const void *self);
};

extern const struct sql_database sql_database_pg, sql_database_sqlite;

#endif
