/* The time of a change in --mode scd2, as a text of a fixed form: RFC 3339 in
 * UTC with six digits of the second or, if the column has the type date, only
 * the date. Such texts sort in the order of their times.
 * Gives: texts of at most CLOCK_STAMP bytes, with the NUL. */
#ifndef LOAD_AS_OF_H
#define LOAD_AS_OF_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

enum { AS_OF_DAYS = -1, AS_OF_DIGITS = 6 };

struct as_of_refusal {
	const char *code, *message;     /* of the reject */
};

/* Reads a date, or a date and a time as RFC 3339 and SQL write them. A time
 * without a zone is taken as UTC. `digits` is the number of digits of the
 * second that the column keeps, or AS_OF_DAYS. If the value has more digits,
 * `lossy` cuts them off; otherwise the value is refused. Returns false with
 * *why. */
bool as_of_convert(char out[CLOCK_STAMP], const char *p, size_t n, int digits,
    bool lossy, struct as_of_refusal *why);
/* Cuts the text of the present time to the digits of the second that the column
 * keeps. */
void as_of_cut(char text[CLOCK_STAMP], int digits);
/* Replaces the time by the next one that the column can hold, for example one
 * microsecond later. Does nothing if the column has the type date, because a
 * key has at most one row for each day. Returns false if the next time is after
 * the year 9999, which has no text of this form. */
bool as_of_next(char text[CLOCK_STAMP], int digits);

#endif
