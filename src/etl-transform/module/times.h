/* Times: RFC 3339 with any offset, or local to a zone, to UTC.
 * Gives: times_utc() appends YYYY-MM-DDTHH:MM:SS, the fraction as it was, Z;
 *        an offset in the text wins over zone, which may be NULL. A leap
 *        second stays 23:59:60Z, and is taken only at the end of a month.
 * Fails: with the code of the reject, type (no such text) or range (no such
 *        day or time), and why; nothing is appended then. */
#ifndef TRANSFORM_TIMES_H
#define TRANSFORM_TIMES_H

#include "module/zone.h"

#include "base/buf.h"

struct times_fault {
	const char *code, *why;
};

int times_utc(struct buf *b, const char *p, size_t n, const struct zone *zone,
    struct times_fault *f);

#endif
