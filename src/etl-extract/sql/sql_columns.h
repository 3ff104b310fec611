/* The columns of a query's result, and what the two databases do with them in
 * the same way.
 * Owns:  struct sql_columns owns its texts; sql_columns_release() frees them.
 * Gives: column[i].prefix is the text before the value of column i in a record:
 *        {"id": or ,"name":
 * Fails: ERR_CONFIG if two columns have one name, or if the column of the
 *        cursor is not there. */
#ifndef EXTRACT_SQL_COLUMNS_H
#define EXTRACT_SQL_COLUMNS_H

#include "sql/sql_database.h"

struct sql_columns {
	struct sql_column {
		char *name, *prefix;
		size_t prefix_len;
		int kind;       /* of the values; the database sets it */
	} *column;
	size_t n;
	size_t cursor;          /* index of the cursor's column; n: none */
};

void sql_columns_release(struct sql_columns *c);
/* name(from, i) is the name of column i, or NULL if memory is out. */
int sql_columns_fill_and_check(struct sql_columns *c, size_t n,
    const char *(*name)(const void *from, size_t i), const void *from,
    const struct sql_query *q, struct err *e);

/* Appends the query of --table. `collate` follows the cursor's column where it
 * is compared, and may be "". */
void sql_put_table_query(struct buf *b, const struct sql_query *q,
    const char *quoted_table, const char *collate, bool since, bool until);
/* Appends the name of the table in SQL quotes; if `lower` is set, in lower
 * case. */
int sql_put_quoted_table(
    struct buf *b, const char *table, bool lower, struct err *e);
/* Appends the query of --table for a row whose cursor is NULL. */
void sql_put_null_cursor_query(struct buf *b, const struct sql_query *q,
    const char *quoted_table);
void sql_warn_of_null_cursors(const struct sql_query *q);

/* Prefix the message with "--query: line L, column C", or with "--table NAME".
 * at: the byte of the query at which the error is; -1: not known. Return -1. */
int sql_prefix_error(const struct sql_query *q, long at, struct err *e);

#endif
