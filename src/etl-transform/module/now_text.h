/* The current time as text, as in 2024-05-01T12:00:00.123456Z.
 * Gives: now_text_update() makes text[0..NOW_TEXT_LEN) the current time. To
 *        save time, it makes the whole text only if the second has changed. */
#ifndef TRANSFORM_NOW_TEXT_H
#define TRANSFORM_NOW_TEXT_H

#include "base/clock.h"

#include <time.h>

enum { NOW_TEXT_LEN = CLOCK_STAMP - 1 };

struct now_text {
	time_t second;
	char text[CLOCK_STAMP];
};

void now_text_init(struct now_text *n);
void now_text_update(struct now_text *n);

#endif
