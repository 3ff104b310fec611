/* Finds out whether a column of PostgreSQL would lose a part of a date, time or
 * interval that is written as text. PostgreSQL reads many spellings. This
 * scanner only finds out which parts a text has.
 * Gives: NULL if the column keeps the whole value, else a text for the message
 *        that says what would be lost. For a text that PostgreSQL refuses, the
 *        result may be either. */
#ifndef LOAD_PG_TIME_H
#define LOAD_PG_TIME_H

#include "db/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A fast test for the form that most records use, 2026-01-30 or
 * 2026-01-30T10:15:30.123Z. Returns true if the text has this form and the
 * column keeps all of it. */
bool pg_keeps_usual_time(
    const char *p, size_t n, enum column_change type, int second_digits);
const char *pg_find_time_loss(const char *p, size_t n, enum column_change type,
    int second_digits);
const char *pg_find_interval_loss(const char *p, size_t n, int second_digits);
/* For a column whose type names fields, such as `interval day to hour`.
 * `finest` is the smallest of these fields. */
const char *pg_find_fields_loss(const char *p, size_t n,
    enum interval_field finest);

/* Dates and times in the form in which PostgreSQL stores them: days or
 * microseconds since the beginning of the year 2000, UTC. Only the usual form
 * of a text is read, such as 2026-01-30 or 2026-01-30T10:15:30.123Z, of the
 * years 0001 to 9999.
 * Gives: false for any other text. */

bool pg_date_to_days(const char *p, size_t n, int64_t *days);
/* with_zone: the text may end with an offset from UTC, such as +02:00. */
bool pg_time_to_us(const char *p, size_t n, bool with_zone, int64_t *us);

#endif
