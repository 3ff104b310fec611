/* Converts times of RFC 3339, and local times of a zone, to UTC.
 * Gives: times_put_utc() appends YYYY-MM-DDTHH:MM:SS, the unchanged fraction,
 *        and Z. zone is used only for a text without an offset; it may be NULL.
 *        A leap second stays 23:59:60Z; only the end of a month can have one.
 * Fails: -1 with the code of the reject and the reason: "type" if the text is
 *        not a time, "range" if the day or time does not exist. Nothing is
 *        appended then. */
#ifndef TRANSFORM_TIMES_H
#define TRANSFORM_TIMES_H

#include "module/zone.h"

#include "base/buf.h"

struct times_fault {
	const char *code, *why;
};

int times_put_utc(struct buf *b, const char *p, size_t n,
    const struct zone *zone, struct times_fault *f);

#endif
