/* The time of a change in --mode scd2, in one form: RFC 3339 in UTC with six
 * digits of the second, or just the date if the column keeps days. In this form
 * texts have the order of their times.
 * Gives: texts of CLOCK_STAMP bytes at most, with their NUL. */
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
 * without a zone is in UTC. `digits` is how many digits of the second the
 * column keeps, or AS_OF_DAYS. If `lossy` is set, further digits are cut off;
 * otherwise they refuse the value. Returns false with *why. */
bool as_of_read(char out[CLOCK_STAMP], const char *p, size_t n, int digits,
    bool lossy, struct as_of_refusal *why);
/* Cuts the present time, which is in the form above, to these digits. */
void as_of_cut(char text[CLOCK_STAMP], int digits);
/* Replaces the time by the next one that the column can hold. Does nothing if
 * the column keeps days: a day has one row of each key. Returns false if the
 * next time is after the year 9999, which this form cannot write. */
bool as_of_add_smallest_step(char text[CLOCK_STAMP], int digits);

#endif
