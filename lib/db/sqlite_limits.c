#include "base/clock.h"
#include "db/sqlite_impl.h"

enum {
	BUSY_MS = 10000,
	STEPS = 10000           /* steps of SQLite's virtual machine between two
	                         * looks at the clock */
};

void
lite_start_limit(struct lite *c)
{
	if (c->limits.statement > 0)
		c->until = clock_ms() + (int64_t)c->limits.statement;
}

int
lite_wait_busy(void *conn, int tries)
{
	struct lite *c = conn;

	return wait_limit_sleep(&c->wait_limit, tries,
	    c->limits.lock > 0 ? c->limits.lock : BUSY_MS);
}

static int
lite_is_too_late(void *conn)
{
	const struct lite *c = conn;

	return clock_ms() > c->until;
}

/* SQLite cannot limit the time of a statement. But it calls the progress
 * handler after every STEPS steps, and the handler stops a statement that is
 * too late. 0 steps: no handler. */
int
lite_set_limits(void *conn, const struct db_limits *limits, struct err *e)
{
	struct lite *c = conn;

	c->limits = *limits;
	sqlite3_progress_handler(
	    c->db, limits->statement > 0 ? STEPS : 0, lite_is_too_late, c);
	return 0;
}
