#include "clock.h"

#include <stdio.h>
#include <time.h>

int64_t
clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
clock_stamp(char out[CLOCK_STAMP])
{
	struct timespec t;
	struct tm tm;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	(void)gmtime_r(&t.tv_sec, &tm);
	n = strftime(out, CLOCK_STAMP, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, CLOCK_STAMP - n, ".%06dZ",
	    (int)(t.tv_nsec / 1000 % 1000000));
}
