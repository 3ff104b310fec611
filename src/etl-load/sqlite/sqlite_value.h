/* Converts a record's value for a SQLite column. SQLite stores any value in any
 * column, so the column's declared type is enforced here.
 * Borrows: the record, and scratch, which must have room for the whole line:
 *          *out points into one of them.
 * Gives: 1, or 0 if the record must be rejected: see *why. */
#ifndef LOAD_SQLITE_VALUE_H
#define LOAD_SQLITE_VALUE_H

#include "table/record.h"

int sqlite_convert_value(struct db_value *out, struct reader *r, size_t column,
    struct buf *scratch, struct reject *why);

/* Appends the bytes of one value. Different values give different bytes. Of two
 * integers or two texts the greater one gives bytes that memcmp() orders
 * later. */
void sqlite_put_value_bytes(struct buf *b, const struct db_value *v);

/* True if the text is a valid date, a time, or both, as RFC 3339 and ISO 8601
 * write them. */
bool is_valid_date_or_time(const char *p, size_t n);

#endif
