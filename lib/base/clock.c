#include "clock.h"

#include "stop.h"
#include "wait.h"

#include <limits.h>
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

int
clock_sleep(int64_t ms)
{
	int64_t end = clock_ms() + ms, left;

	do {
		left = end - clock_ms();
		if (left > 0 && wait_fds(NULL, 0,
		    left < INT_MAX ? (int)left : INT_MAX) == -1)
			return -1;
	} while (left > INT_MAX);
	return stop_signal() != 0 ? -1 : 0;
}
