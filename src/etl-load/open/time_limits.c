#include "open/time_limits.h"

#include "base/suggest.h"

#include <inttypes.h>
#include <string.h>

enum { FULL, NORMAL };
static const char *const levels[] = { [FULL] = "full", [NORMAL] = "normal",
	NULL };

int
time_limits_check(const struct load_opts *o, struct err *e)
{
	return o->synchronous != NULL &&
	    suggest_choice("--synchronous", o->synchronous, levels, e) ==
	    -1 ? -1 : 0;
}

/* Sets NORMAL only in the journal mode WAL: in any other mode a power loss
 * could damage the file. The file is in another mode only if another process
 * had locked it when this program opened it. */
static int
set_normal(struct loader *l, struct err *e)
{
	int64_t wal;

	if (db_query_int(l->db, "SELECT journal_mode = 'wal' "
	    "FROM pragma_journal_mode", NULL, 0, 0, &wal, e) == -1)
		return -1;
	if (wal)
		return db_script(l->db, "PRAGMA synchronous = NORMAL", e);
	err_warn("etl-load", "--synchronous normal: the database is not in WAL "
	    "mode, so the load uses full");
	return 0;
}

static int
set_synchronous(struct loader *l, struct err *e)
{
	const char *level = l->o->synchronous;

	if (level == NULL)
		return 0;
	if (db_kind(l->db) != DB_SQLITE)
		return err_set(e, ERR_USAGE, false, "--synchronous is for "
		    "SQLite: PostgreSQL has the setting synchronous_commit");
	return strcmp(level, levels[NORMAL]) == 0 ? set_normal(l, e) : 0;
}

int
time_limits_set(struct loader *l, struct err *e)
{
	const struct db_limits limits = { .lock = l->o->lock_timeout,
		.statement = l->o->statement_timeout };

	return db_set_limits(l->db, &limits, e) == -1 ? -1 :
	    set_synchronous(l, e);
}

int
time_limits_init(struct loader *l, struct err *e)
{
	const struct load_opts *o = l->o;

	return o->lock_timeout > 0 || o->statement_timeout > 0 ||
	    o->synchronous != NULL ? time_limits_set(l, e) : 0;
}

static void
prefix_limit(struct err *e, const char *what, const char *option, uint64_t ms)
{
	bool seconds = ms % 1000 == 0;

	err_prefix(e, "%s %s %" PRIu64 "%s", what, option,
	    seconds ? ms / 1000 : ms, seconds ? "s" : "ms");
}

int
time_limits_set_for(struct db *db, const struct load_opts *o, struct err *e)
{
	const struct db_limits limits = { .lock = o->lock_timeout,
		.statement = o->statement_timeout };

	return limits.lock > 0 || limits.statement > 0 ?
	    db_set_limits(db, &limits, e) : 0;
}

void
time_limits_explain(const struct load_opts *o, const struct db_fault *f,
    struct err *e)
{
	if (f->busy && o->lock_timeout > 0)
		prefix_limit(e, "another session has kept a lock for longer "
		    "than", "--lock-timeout", o->lock_timeout);
	else if (f->late && o->statement_timeout > 0)
		prefix_limit(e, "a statement was cancelled, or has run for "
		    "longer than", "--statement-timeout",
		    o->statement_timeout);
}
