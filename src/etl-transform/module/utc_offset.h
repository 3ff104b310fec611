/* The offset of a time from UTC as text: Z, +hh:mm, +hhmm or +hh (ISO 8601).
 * Units: seconds, positive east of Greenwich. */
#ifndef TRANSFORM_UTC_OFFSET_H
#define TRANSFORM_UTC_OFFSET_H

#include <stdbool.h>
#include <stddef.h>

/* Parses the whole text as an offset. Returns false if it is not one. */
bool utc_offset_parse(const char *p, size_t n, int *seconds);

#endif
