/* The interface of a database that etl-extract reads. Each database has one
 * const struct.
 * Owns:  open() fills *self; close() frees it and accepts NULL.
 * Borrows: url and *q, until close().
 * Gives: open() connects, checks the query and fills the last part of *q.
 *        start() starts the query; since and until may be NULL. next() puts a
 *        row into *row as one JSON object: 1, 0 at the end, -1 on failure.
 * Fails: transient if another run may succeed. */
#ifndef EXTRACT_SQL_DATABASE_H
#define EXTRACT_SQL_DATABASE_H

#include "base/buf.h"

#include <stdint.h>

struct hash;
struct sql_columns;

/* A row as JSON text. Of a row with more than `max` bytes only the start is
 * kept. */
struct sql_row {
	struct buf text;
	size_t max;
	uint64_t number;        /* of the row, from 1 */
	bool is_too_long;
	struct hash *hash;      /* of the whole text, if it is too long */
	uint64_t bytes;         /* its length */
	size_t hashed;          /* this part of `text` is in `hash` */
};

struct sql_query {
	const char *text;       /* of --query, or NULL */
	const char *table;      /* of --table, or NULL */
	char *cursor;           /* column of --cursor-field; NULL: no cursor */
	bool cursor_is_inside;  /* the cursor is a member inside its value */
	uint64_t most;          /* a row with more bytes is a failure */
	uint64_t peak_before;   /* memory_peak() before the first row */
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
	int (*next)(void *self, struct sql_row *row, struct err *e);
	void (*close)(void *self);
	/* Returns the columns of the query, after start(). */
	const struct sql_columns *(*columns)(const void *self);
	/* Returns the URL of the database without secrets, for messages. */
	const char *(*name)(const void *self);
};

extern const struct sql_database sql_database_pg, sql_database_sqlite;

#endif
