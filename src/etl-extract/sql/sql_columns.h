/* The columns of a query's result, and functions that the sources for
 * PostgreSQL and SQLite share.
 * Owns:  struct sql_columns owns its texts; sql_columns_release() frees them.
 * Gives: column[i].prefix is the text before the value of column i in a record:
 *        {"id": or ,"name":
 * Fails: ERR_CONFIG if two columns have the same name, or if no column is that
 *        of the cursor. */
#ifndef EXTRACT_SQL_COLUMNS_H
#define EXTRACT_SQL_COLUMNS_H

#include "base/buf.h"

#include <stdint.h>

/* The interface of a database that etl-extract reads. Each database has one
 * const struct.
 * Owns:  open() fills *self; close() frees it and accepts NULL.
 * Borrows: url and *q, until close().
 * Gives: open() connects, checks the query and fills the last part of *q.
 *        start() starts the query; since and until may be NULL. next() puts a
 *        row into *row as one JSON object: 1, 0 at the end, -1 on failure.
 * Fails: transient if another run may succeed. */

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

enum { SQL_TYPE = 40 };

struct sql_columns {
	struct sql_column {
		char *name, *prefix;
		size_t prefix_len;
		/* The database sets these: */
		int kind;       /* of the values */
		char type[SQL_TYPE];    /* for the mark columns, or "" */
	} *column;
	size_t n;
	size_t cursor;          /* index of the cursor's column; n: none */
};

void sql_columns_release(struct sql_columns *c);
/* name(from, i) is the name of column i, or NULL if memory is out. Fails if
 * there is no column, if two have the same name, or if the column of the cursor
 * is missing. */
int sql_columns_fill(struct sql_columns *c, size_t n,
    const char *(*name)(const void *from, size_t i), const void *from,
    const struct sql_query *q, struct err *e);

/* Appends a JSON object with the type of each column that has one. Appends
 * nothing if none has. */
void sql_columns_put_types(struct buf *b, const struct sql_columns *c);
/* Sets the type to numeric(P,S). If these are not the numbers of a column that
 * every program can make, sets it to numeric. */
void sql_column_set_numeric(struct sql_column *c, int precision, int scale);

/* True if the query has used more memory than a row of q->most bytes needs. If
 * memory is then out, the row is too long. */
bool sql_query_used_memory(const struct sql_query *q);
/* Empties the row, for the next one. */
void sql_row_begin(struct sql_row *r);
/* Appends a string in JSON quotes. */
void sql_row_put_string(struct sql_row *r, const char *p, size_t n);
/* Call it after each value: forgets all but the start of a row that has become
 * too long. */
void sql_row_trim(struct sql_row *r);
void sql_row_release(struct sql_row *r);
/* Fails because the row has more than q->most bytes. */
int sql_row_refuse(const struct sql_row *r, const struct sql_query *q,
    struct err *e);

/* Appends the SELECT for --table. `collate` is appended to the column of the
 * cursor in comparisons and in ORDER BY; it may be "". */
void sql_put_table_query(struct buf *b, const struct sql_query *q,
    const char *quoted_table, const char *collate, bool is_pg, bool since,
    bool until);
/* Appends the name of the table in SQL quotes; if `lower` is set, in lower
 * case. */
int sql_put_quoted_table(
    struct buf *b, const char *table, bool lower, struct err *e);
/* Appends a query that returns a row if the cursor of any row is NULL. */
void sql_put_null_query(struct buf *b, const struct sql_query *q,
    const char *quoted_table);
void sql_warn_nulls(const struct sql_query *q);

/* Puts "--query: line L, column C" or "--table NAME" before the message. at:
 * the byte of the query at which the error is, or -1 if unknown. Returns -1. */
int sql_prefix_place(const struct sql_query *q, long at, struct err *e);

/* Finds the parameters :since and :until in the text of --query.
 * Owns:  sql_text owns the text in sql; sql_text_release() frees it.
 * Gives: sql has the length of the query. $1 and $2 stand in it for the
 *        parameters, filled up with blanks, so that a position in sql is the
 *        same position in the query. Parameters in strings, quoted names and
 *        comments, and casts such as a::since, are not replaced. */

enum { SQL_PARAMS = 2 };

struct sql_text {
	struct buf sql;
	size_t end;             /* bytes before the semicolons at the end */
	int since, until;       /* N of $N; 0: not in the query */
	bool has_numbered;      /* the query itself has a $1 */
};

void sql_text_init(struct sql_text *t);
void sql_text_release(struct sql_text *t);
/* Reads a query for PostgreSQL and writes it to t->sql, with $1 and $2 in place
 * of :since and :until. */
int sql_text_replace(struct sql_text *t, const char *query, struct err *e);
/* Returns the offset of the byte at which character n, counted from 1,
 * begins. */
size_t sql_text_offset(const char *text, int64_t n);

#endif
