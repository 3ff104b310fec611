/* Finds out whether a column of PostgreSQL would lose a part of a date, time or
 * interval that is written as text. PostgreSQL reads many spellings. This
 * scanner only finds out which parts a text has.
 * Gives: NULL if the column keeps the whole value, else a text for the message
 *        that says what would be lost. For a text that PostgreSQL refuses, the
 *        result may be either. */
#ifndef LOAD_PG_TIME_TEXT_H
#define LOAD_PG_TIME_TEXT_H

#include "db/table.h"

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

#endif
