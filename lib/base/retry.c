#include "base/retry.h"

#include "base/opt.h"
#include "base/stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Parses a duration in an environment variable. Leaves *ms as it is if the
 * variable is not set or empty. */
static int
parse_variable(uint64_t *ms, const char *variable, const char *value,
    struct err *e)
{
	if (value == NULL || *value == '\0' || duration_parse(ms, value) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false,
	    "%s=%s in the environment: the value must be a duration such as "
	    "500ms or 30s", variable, value);
}

int
retry_parse(struct retry *r, const char *text, struct err *e)
{
	char base[32];
	const char *dots;
	size_t n;

	r->base = 1000;
	r->cap = 60000;
	if (text == NULL) {
		if (parse_variable(&r->base, "INITIAL_BACKOFF",
		    getenv("INITIAL_BACKOFF"), e) == -1 ||
		    parse_variable(&r->cap, "MAX_BACKOFF",
		    getenv("MAX_BACKOFF"), e) == -1)
			return -1;
		return 0;
	}
	dots = strstr(text, "..");
	n = dots != NULL ? (size_t)(dots - text) : sizeof(base);
	if (n < sizeof(base)) {
		(void)snprintf(base, sizeof(base), "%.*s", (int)n, text);
		if (duration_parse(&r->base, base) == 0 &&
		    duration_parse(&r->cap, dots + 2) == 0 &&
		    r->base <= r->cap)
			return 0;
	}
	return err_set(e, ERR_USAGE, false,
	    "--backoff %s: the value must have the form BASE..MAX, such as "
	    "1s..60s", text);
}

int64_t
retry_delay(const struct retry *r, uint64_t nth_try)
{
	uint64_t most = r->base, random = 0;

	while (nth_try-- > 1 && most < r->cap)
		most = most > r->cap / 2 ? r->cap : most * 2;
	if (most > r->cap)
		most = r->cap;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return (int64_t)most;
	return (int64_t)(random % (most + 1));
}

int
retry_wait(const struct retry *r, uint64_t n, const struct err *why,
    struct err *e)
{
	*e = *why;
	if (n > r->max || stop_signal() != 0)
		return -1;
	return wait_ms(retry_delay(r, n));
}

int
retry_call(const struct retry *r,
    int (*call)(void *self, struct err *e), void *self, struct err *e)
{
	struct err why;
	uint64_t n = 0;

	while (call(self, e) == -1) {
		why = *e;
		if (!why.transient || retry_wait(r, ++n, &why, e) == -1)
			return -1;
	}
	return 0;
}

bool
pause_tick(struct doubling_pause *p)
{
	if (p->left == 0)
		return true;
	p->left--;
	return false;
}

void
pause_begin(struct doubling_pause *p)
{
	if (p->turns == 0)
		p->turns = p->least;
	else if (p->turns < p->most)
		p->turns = p->turns > p->most / 2 ? p->most : p->turns * 2;
	p->left = p->turns;
}

void
pause_reset(struct doubling_pause *p)
{
	p->turns = 0;
}
