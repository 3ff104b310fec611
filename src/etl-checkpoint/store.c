#include "checkpoint.h"

#include "control/control.h"
#include "control/statefile.h"

static int
database_get(struct command *c, const char *name, char **value,
    int64_t *version, struct err *e)
{
	struct db *db;
	int rc;

	*value = NULL;
	if (control_open_tables(&db, c->opts->db, c->opts->control_schema,
	    false, e) == -1)
		return -1;
	rc = checkpoint_read(db, name, value, version, e);
	if (rc == 0 && *version == 0)
		rc = err_set(e, ERR_LIMIT, false, "%s: no such checkpoint in "
		    "%s", name, db_name(db));
	db_close(db);
	return rc;
}

/* Warns if the run of etl-run that wrote this checkpoint last is still running.
 * The user is changing the checkpoint, so the version that the run has read is
 * out of date, and the next commit of its loader will fail. */
static int
warn_running_writer(struct db *db, const char *name, struct err *e)
{
	struct db_value v = db_text(name);
	int64_t running;

	if (db_query_int(db, db_sql(db, SQL_CHECKPOINT_RUNNING), &v, 1, 0,
	    &running, e) == -1)
		return -1;
	if (running > 0)
		err_warn("etl-checkpoint", "the run that wrote this checkpoint "
		    "last is still running; it will fail with exit code 75");
	return 0;
}

static int
database_set(struct command *c, const char *name, const char *value,
    struct err *e)
{
	struct db *db;
	int rc = -1;

	if (value != NULL)
		err_note("etl-checkpoint", db_url_notice(c->opts->db));
	if (control_open_tables(&db, c->opts->db, c->opts->control_schema,
	    value != NULL, e) == -1)
		return -1;
	if (db_begin(db, e) == 0) {
		/* The first statement waits while a loader commits. */
		if (db_run(db, db_sql(db, SQL_RUN_WAIT_LIMIT), NULL, 0, NULL,
		    e) == 0 && warn_running_writer(db, name, e) == 0)
			rc = value != NULL ?
			    checkpoint_set(db, name, value, e) :
			    checkpoint_clear(db, name, e);
		if (rc == 0)
			rc = db_commit(db, e);
		if (rc == -1)
			db_rollback(db);
	}
	db_close(db);
	return rc;
}

static int
database_list(struct command *c, int (*each)(void *self,
    const struct checkpoint *p, struct err *e), void *self, struct err *e)
{
	struct checkpoints *l = NULL;
	struct checkpoint p;
	struct db *db;
	size_t n = 0;
	int rc = -1;

	if (control_open_tables(&db, c->opts->db, c->opts->control_schema,
	    false, e) == -1)
		return -1;
	if (checkpoints_open(&l, db, e) == 0)
		while ((rc = checkpoints_next(l, &p, e)) == 1 && ++n > 0)
			if (each(self, &p, e) == -1) {
				rc = -1;
				break;
			}
	if (rc == 0 && n == 0)
		store_print_none(db_name(db));
	checkpoints_close(l);
	db_close(db);
	return rc;
}

const struct store store_db = {
	.get = database_get, .set = database_set, .list = database_list,
};

static int
file_get(struct command *c, const char *name, char **value, int64_t *version,
    struct err *e)
{
	if (statefile_read(c->path, name, value, version, e) == -1)
		return -1;
	return *version > 0 ? 0 : err_set(e, ERR_LIMIT, false,
	    "%s: no such checkpoint in %s", name, c->path);
}

static int
file_set(struct command *c, const char *name, const char *value,
    struct err *e)
{
	return statefile_set(c->path, name, value, e);
}

static int
file_list(struct command *c, int (*each)(void *self,
    const struct checkpoint *p, struct err *e), void *self, struct err *e)
{
	struct checkpoint p;
	struct statefile *f;
	size_t n = 0;
	int rc;

	if (statefile_open(&f, c->path, e) == -1)
		return -1;
	while ((rc = statefile_next(f, &p, e)) == 1 && ++n > 0)
		if (each(self, &p, e) == -1) {
			rc = -1;
			break;
		}
	statefile_close(f);
	if (rc == 0 && n == 0)
		store_print_none(c->path);
	return rc;
}

const struct store store_file = {
	.get = file_get, .set = file_set, .list = file_list,
};
