/* Finds the type of a column that --create or --evolve makes. Each value that
 * the column must hold has a kind, which is one bit. The bits of all values
 * together give the type. */
#ifndef LOAD_VALUE_KINDS_H
#define LOAD_VALUE_KINDS_H

#include "db/db.h"
#include "json/scan.h"

enum {
	KIND_BOOL = 1,
	KIND_INT = 2,           /* an integer of at most 64 bits */
	KIND_WIDE = 4,          /* an integer that a double does not hold */
	KIND_REAL = 8,          /* a fraction or exponent; a double holds it */
	KIND_DECIMAL = 16,      /* a number that neither of both can hold */
	KIND_HUGE = 32,         /* a number that no type of number can hold */
	KIND_DATE = 64,         /* 2026-01-31 */
	KIND_TIME = 128,        /* 2026-01-31T10:15:00Z: RFC 3339 */
	KIND_TEXT = 256,        /* any other string */
	KIND_JSON = 512,        /* an array or object */
	/* Kinds of columns that options name; no value has them. */
	KIND_OPTION_TIME = 1024, KIND_OPTION_BOOL = 2048,
	KIND_OPTION_JSON = 4096
};

/* Returns the kind of the value that is token `tok`; 0 for null. */
unsigned value_kind(const struct json *j, uint32_t tok);
/* True if the text is a time of RFC 3339 that PostgreSQL stores without a
 * change: not more than six digits of the second, no leap second, no year 0 and
 * an offset of less than 16 hours. */
bool value_is_time(const char *p, size_t n);
/* Returns the type of a column with values of these kinds, as SQL: text if
 * `kinds` is 0. */
const char *value_type_name(unsigned kinds, enum db_kind db);
/* Returns how many columns a table of this database may have. */
size_t max_columns(enum db_kind db);

#endif
