/* Finds out which parts of a date, time or interval, written as text, would get
 * lost in a column of PostgreSQL. PostgreSQL reads many spellings; this scanner
 * knows only enough of them to see which parts a text has.
 * Gives: NULL if the column keeps the value, else the loss, for a message. A
 *        text that PostgreSQL refuses may give either. */
#ifndef LOAD_PG_TIME_TEXT_H
#define LOAD_PG_TIME_TEXT_H

#include "db/table.h"

/* True for a text in the form that most records have, 2026-01-30 or
 * 2026-01-30T10:15:30.123Z, if the column keeps it. */
bool pg_keeps_usual_time(
    const char *p, size_t n, enum column_change type, int second_digits);
const char *pg_find_loss_of_time(
    const char *p, size_t n, enum column_change type, int second_digits);
const char *pg_find_loss_of_interval(
    const char *p, size_t n, int second_digits);
/* For an interval with fields, such as `interval day`. */
const char *pg_find_loss_of_fields(
    const char *p, size_t n, enum interval_field finest);

#endif
