/* The time: clock_ms() reads the monotonic clock, for intervals; clock_stamp()
 * reads the wall clock. clock_format() writes any time in the form of a stamp.
 * Units: milliseconds; stamps are RFC 3339 in UTC with microseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_STAMP = 28 };      /* 2026-11-20T08:34:00.123456Z and NUL */

int64_t clock_ms(void);
void clock_stamp(char out[CLOCK_STAMP]);
/* Takes the seconds since 1970 in UTC, in the years 0 to 9999. */
void clock_format(char out[CLOCK_STAMP], int64_t seconds, int micros);

#endif
