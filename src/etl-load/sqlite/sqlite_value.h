/* A record's value as SQLite is to store it: its tables take anything, so
 * the column's declared type is kept here.
 * Borrows: the record and scratch, which must have room for the whole line.
 * Gives: 1, or 0 and *why. */
#ifndef LOAD_SQLITE_VALUE_H
#define LOAD_SQLITE_VALUE_H

#include "table/record.h"

int sqlite_value(struct db_value *out, struct reader *r, size_t column,
    struct buf *scratch, struct reject *why);

/* A date, a time or both, as RFC 3339 and ISO 8601 write them. */
bool time_valid(const char *p, size_t n);

#endif
