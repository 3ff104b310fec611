#include "schedule.h"

#include <sys/random.h>

/* Returns a random number from 0 to most. */
static int64_t
get_random_delay(int64_t most)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return 0;
	return (int64_t)(random % ((uint64_t)most + 1));
}

/* Returns the next start time, with a random delay (jitter). Skips start times
 * that have passed. A start time has passed only when its longest possible
 * delay is over. */
int64_t
schedule_next(struct schedule *s, int64_t now)
{
	int64_t over = now - s->start - s->jitter, at;

	if (s->every > 0 && over > 0 && over / s->every > s->slot)
		s->slot = over / s->every;
	do
		at = s->start + s->slot++ * s->every +
		     get_random_delay(s->jitter);
	while (at < now && s->every > 0);
	return at;
}
