/* Converts a record's value for a SQLite column. SQLite stores any value in any
 * column, so this file checks that the value fits the column's declared type.
 * Borrows: the record, and scratch, which must have room for the whole line:
 *          *out points into one of them.
 * Gives: 1, or 0 if the record must be rejected: see *why. */
#ifndef LOAD_SQLITE_VALUE_H
#define LOAD_SQLITE_VALUE_H

#include "table/record.h"

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

/* True if the text is a valid date, a valid time, or both, in the form of RFC
 * 3339 or ISO 8601. */
bool is_valid_time(const char *p, size_t n);

#endif
