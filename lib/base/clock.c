#include "clock.h"

#include "stop.h"

#include <errno.h>
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

/* In slices, so that a signal that comes just before a sleep is not missed
 * for long. */
int
clock_sleep(int64_t ms)
{
	int64_t end = clock_ms() + ms;

	for (;;) {
		int64_t left = end - clock_ms();
		struct timespec t = { 0, 0 };

		if (stop_signal() != 0)
			return -1;
		if (left <= 0)
			return 0;
		if (left > 200)
			left = 200;
		t.tv_nsec = (long)left * 1000000;
		(void)nanosleep(&t, NULL);
	}
}
