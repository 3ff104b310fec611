/* Converts times of RFC 3339, and local times of a zone, to UTC.
 * Gives: times_put_utc() appends YYYY-MM-DDTHH:MM:SS, the unchanged fraction,
 *        and Z. zone is used only for a text without an offset; it may be NULL.
 *        A leap second stays 23:59:60Z; only the end of a month can have one.
 * Fails: -1 with the code of the reject and the reason: "type" if the text is
 *        not a time, "range" if the day or time does not exist. Nothing is
 *        appended then. */
#ifndef TRANSFORM_TIMES_H
#define TRANSFORM_TIMES_H

#include "base/buf.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct zone;

struct times_fault {
	const char *code, *why;
};

int times_put_utc(struct buf *b, const char *p, size_t n,
    const struct zone *zone, struct times_fault *f);

/* The current time as text, as in 2024-05-01T12:00:00.123456Z.
 * Gives: now_text_update() makes text[0..NOW_TEXT_LEN) the current time. To
 *        save time, it makes the whole text only if the second has changed. */

enum { NOW_TEXT_LEN = CLOCK_STAMP - 1 };

struct now_text {
	time_t second;
	char text[CLOCK_STAMP];
};

void now_text_init(struct now_text *n);
void now_text_update(struct now_text *n);

#endif
