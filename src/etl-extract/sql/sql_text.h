/* Finds the parameters :since and :until in the text of --query.
 * Owns:  sql_text owns the text in sql; sql_text_release() frees it.
 * Gives: sql has the length of the query. $1 and $2 stand in it for the
 *        parameters, filled up with blanks, so that a position in sql is the
 *        same position in the query. Parameters in strings, quoted names and
 *        comments, and casts such as a::since, are not replaced. */
#ifndef EXTRACT_SQL_TEXT_H
#define EXTRACT_SQL_TEXT_H

#include "base/buf.h"

#include <stdint.h>

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
/* Finds the line and the column of the byte `at` of a text, both from 1.
 * Columns are counted in characters. */
void sql_text_position(const char *text, size_t at, unsigned *line,
    unsigned *column);
/* Returns the offset of the byte at which character n, counted from 1,
 * begins. */
size_t sql_text_offset(const char *text, int64_t n);

#endif
