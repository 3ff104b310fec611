/* The columns of a query's result, and functions that the sources for
 * PostgreSQL and SQLite share.
 * Owns:  struct sql_columns owns its texts; sql_columns_release() frees them.
 * Gives: column[i].prefix is the text before the value of column i in a record:
 *        {"id": or ,"name":
 * Fails: ERR_CONFIG if two columns have the same name, or if no column is that
 *        of the cursor. */
#ifndef EXTRACT_SQL_COLUMNS_H
#define EXTRACT_SQL_COLUMNS_H

#include "sql/sql_database.h"

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

#endif
