#include "clock.h"

#include "datetime.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t
clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
clock_format(char out[CLOCK_STAMP], int64_t seconds, int micros)
{
	char text[DATETIME_TEXT + sizeof(".000000Z")];
	size_t n = datetime_write(text, seconds);

	(void)snprintf(text + n, sizeof(".000000Z"), ".%06uZ",
	    (unsigned)micros % 1000000);
	memcpy(out, text, CLOCK_STAMP - 1);
	out[CLOCK_STAMP - 1] = '\0';
}

void
clock_stamp(char out[CLOCK_STAMP])
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	clock_format(out, t.tv_sec, (int)(t.tv_nsec / 1000));
}
