#include "pg/pg_sink.h"

#include "base/stop.h"

#include <string.h>

/* Every role of the database can take this advisory lock and keep it. So no
 * load may wait for it without a limit. Except in --mode scd2, the lock only
 * makes deadlocks rarer, and the load goes on without it. */
#define WAIT "10s"

/* Takes the lock together with other loaders ("_shared"), or alone after a
 * deadlock and in --mode scd2. That mode first reads the rows of a key and then
 * writes them, so two loads may not do this at the same time.
 * Also turns off jit, the compilation of expressions: the planner has no
 * statistics of the staging table, and compiling takes longer than evaluating
 * the expressions for some thousand rows.
 * RELEASE keeps the lock and the settings until the end of the transaction. */
static void
put_lock(struct pg_sink *s)
{
	buf_clear(&s->sql);
	buf_printf(&s->sql, "SAVEPOINT etl_lock; "
	    "SELECT pg_catalog.set_config('etl.lock_timeout', "
	    "pg_catalog.current_setting('lock_timeout'), true), "
	    "pg_catalog.set_config('lock_timeout', '" WAIT "', true), "
	    "pg_catalog.set_config('jit', 'off', true); "
	    "SELECT pg_catalog.pg_advisory_xact_lock%s(%lld); "
	    "SELECT pg_catalog.set_config('lock_timeout', "
	    "pg_catalog.current_setting('etl.lock_timeout'), true); "
	    "RELEASE SAVEPOINT etl_lock; SAVEPOINT etl_chunk",
	    s->deadlocked || s->target->mode->history ? "" : "_shared",
	    (long long)s->lock);
}

/* 55P03: the wait took longer than lock_timeout; 57014: it took longer than a
 * statement_timeout of the session. */
static bool
waited_too_long(const struct db_fault *f)
{
	return !f->lost && stop_signal() == 0 &&
	    (strcmp(f->sqlstate, "55P03") == 0 ||
	    strcmp(f->sqlstate, "57014") == 0);
}

int
pg_chunk_begin(struct pg_sink *s, bool first, struct err *e)
{
	if (!first || (s->lock_is_stuck && !s->deadlocked))
		return db_script(s->db, "SAVEPOINT etl_chunk", e);
	put_lock(s);
	if (pg_run_script(s, e) == 0)
		return 0;
	if (!waited_too_long(db_fault(s->db)))
		return -1;
	if (s->target->mode->history) {
		err_prefix(e, "table %s: another load of the table has not "
		    "ended in " WAIT, s->target->table->name);
		return -1;
	}
	if (!s->lock_is_stuck)
		err_warnf("etl-load", "table %s: another session keeps the "
		    "advisory lock %lld, with which loaders of this table wait "
		    "for one another after a deadlock: the load goes on "
		    "without the lock; pg_locks shows the session",
		    s->target->table->name, (long long)s->lock);
	s->lock_is_stuck = true;
	return db_script(s->db, "ROLLBACK TO SAVEPOINT etl_lock; "
	    "RELEASE SAVEPOINT etl_lock; SAVEPOINT etl_chunk", e);
}
