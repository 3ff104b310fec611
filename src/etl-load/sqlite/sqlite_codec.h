/* Converts a record's value for a SQLite column. SQLite stores any value in any
 * column, so this file checks that the value fits the column's declared type.
 * Borrows: the record, and scratch, which must have room for the whole line:
 *          *out points into one of them.
 * Gives: 1, or 0 if the record must be rejected: see *why. */
#ifndef LOAD_SQLITE_CODEC_H
#define LOAD_SQLITE_CODEC_H

#include "row.h"

int sqlite_convert(struct db_value *out, struct reader *r, size_t column,
    struct buf *scratch, struct reject *why);

/* Appends the bytes of one value. Different values give different bytes.
 * memcmp() orders the bytes of two integers, or of two texts, as their
 * values. */
void sqlite_put_bytes(struct buf *b, const struct db_value *v);

/* For --expect: true if SQLite compares a value of the column with the text by
 * the type of the column. If this is false, SQLite compares them by their
 * storage classes: each number is then below each text, and each text below
 * each blob. `stored` is typeof() of the value, or NULL if only the type of the
 * column is known. */
bool sqlite_compares_by_type(
    const struct column *c, const char *text, const char *stored);

/* A tuple is the values that a record has in some columns: a scope of --mode
 * delete-insert, or a key. Its values are used as parameters of SQLite
 * statements.
 * Owns:  values and scratch; lite_tuple_release() frees them. */

struct lite_tuple {
	const struct shape *columns;
	struct db_value *values;
	struct buf scratch;
};

int lite_tuple_init(struct lite_tuple *t, const struct shape *columns,
    struct err *e);
void lite_tuple_release(struct lite_tuple *t);
/* Returns 1: t->values has the record's values until the next call; 0: the
 * record has no such values, or the columns cannot hold them; -1 with *e. */
int lite_tuple_read(struct lite_tuple *t, struct reader *r,
    const struct line *l, struct err *e);

#endif
