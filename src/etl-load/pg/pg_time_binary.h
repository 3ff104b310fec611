/* Dates and times in the form in which PostgreSQL stores them: days or
 * microseconds since the beginning of the year 2000, UTC. Only the usual form
 * of a text is read, such as 2026-01-30 or 2026-01-30T10:15:30.123Z, of the
 * years 0001 to 9999.
 * Gives: false for any other text. */
#ifndef LOAD_PG_TIME_BINARY_H
#define LOAD_PG_TIME_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool pg_date_to_days(const char *p, size_t n, int64_t *days);
/* with_zone: the text may end with an offset from UTC, such as +02:00. */
bool pg_time_to_us(const char *p, size_t n, bool with_zone, int64_t *us);

#endif
