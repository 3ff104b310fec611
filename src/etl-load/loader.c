#include "loader.h"

#include "base/file.h"
#include "commit/complete.h"
#include "commit/expect_check.h"
#include "commit/missing_rows.h"
#include "commit/old_rows.h"
#include "commit/time_limits.h"
#include "stream/record_options.h"

#include <stdlib.h>
#include <string.h>

enum { DDL_MAX = 64 << 20 };

/* True if the SQLSTATE `state` means that a table, type or schema of this name
 * exists already. */
static bool
exists_already(const char *state)
{
	return strcmp(state, "42P07") == 0 || strcmp(state, "42710") == 0 ||
	    strcmp(state, "42P06") == 0;
}

/* Runs the script of --ddl. If two loaders create the same table at the same
 * time, PostgreSQL can refuse one CREATE TABLE although the script says IF NOT
 * EXISTS. If the server reports that the table exists, the script is run a
 * second time. If the server reports a duplicate key in its own catalog
 * (SQLSTATE class 23), the error is marked as transient, so that the caller
 * tries again. */
static int
run_script_twice_if_table_exists(
    struct loader *l, const char *sql, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	int rc = db_script(l->db, sql, e);

	if (rc == -1 && exists_already(f->sqlstate)) {
		db_rollback(l->db);
		rc = db_script(l->db, sql, e);
	}
	if (rc == 0)
		return 0;
	if (strncmp(f->sqlstate, "23", 2) == 0)
		e->transient = true;
	if (e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	err_prefix(e, "%s", l->o->ddl);
	return -1;
}

static int
run_ddl_file(struct loader *l, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, DDL_MAX);
	rc = file_append_to_buf(&b, l->o->ddl, e);
	(void)buf_text(&b);
	if (rc == 0)
		rc = buf_check(&b, e);
	if (rc == 0 && strlen(buf_text(&b)) != b.len)
		rc = err_set(e, ERR_CONFIG, false, "%s: not an SQL script: it "
		    "contains a NUL byte", l->o->ddl);
	if (rc == 0)
		rc = run_script_twice_if_table_exists(l, buf_text(&b), e);
	/* The script may have changed options of the session. */
	if (rc == 0)
		rc = time_limits_set(l, e);
	buf_release(&b);
	return rc;
}

static bool
no_option_or_variable_names_database(const struct load_opts *o)
{
	const char *url = getenv("DATABASE_URL");

	return o->db == NULL && (url == NULL || *url == '\0');
}

/* Opens the database, runs the script of --ddl and opens the table and the
 * sink. The default database (file etl.db) is created only if --ddl is given:
 * without a script the file would stay empty and have no table to load. */
static int
open_database_table_and_sink(struct loader *l, struct err *e)
{
	bool create =
	    l->o->ddl != NULL || !no_option_or_variable_names_database(l->o);

	if ((create ? db_open : db_open_present)(&l->db, l->o->db, e) == -1)
		return -1;
	if (time_limits_set_if_given(l, e) == -1)
		return -1;
	if (l->o->ddl != NULL && run_ddl_file(l, e) == -1)
		return -1;
	if (target_open(&l->target, l->db, l->o, e) == -1)
		return -1;
	l->sink = sink_for(db_kind(l->db));
	if (l->sink == NULL)
		return err_set(e, ERR_BUG, false, "bug in this program: it has "
		    "no sink for this kind of database; please report it");
	if (l->sink->open(&l->self, l->db, &l->target, e) == -1)
		return -1;
	return old_rows_check_before_load(l, e) == -1 ||
	    missing_rows_check_before_load(l, e) == -1 ||
	    expect_check_fits_table(l, e) == -1 ? -1 :
	    complete_read_version(l, e);
}

static void
close_database_table_and_sink(struct loader *l)
{
	if (l->sink != NULL)
		l->sink->close(l->self);
	l->self = NULL;
	target_close(&l->target);
	db_close(l->db);
	l->db = NULL;
}

static int
open_database_table_and_sink_or_close(void *self, struct err *e)
{
	struct loader *l = self;

	if (open_database_table_and_sink(l, e) == 0)
		return 0;
	if (l->db != NULL)
		time_limits_name_in_error(l, e);
	close_database_table_and_sink(l);
	return -1;
}

/* Fails inside etl-run if --db names another database than etl-run uses. The
 * rows, the dead letters (rejected records) and the state of the run must be in
 * one database, because they are committed together. */
static int
check_run_database(const struct load_opts *o, struct err *e)
{
	const char *run = getenv("ETL_RUN"), *url = getenv("DATABASE_URL");
	const char *schema = getenv("ETL_CONTROL_SCHEMA");

	if (run == NULL || *run == '\0')
		return 0;
	if (o->control_schema != NULL &&
	    (schema == NULL || strcmp(o->control_schema, schema) != 0))
		return err_set(e, ERR_CONFIG, false, "--control-schema names "
		    "another schema than that of this run: give it to etl-run "
		    "instead");
	if (o->db == NULL)
		return 0;
	if (url == NULL || *url == '\0')
		url = "sqlite:etl.db";
	if (strcmp(o->db, url) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "--db names another database "
	    "than the one of this run (DATABASE_URL): give --db to etl-run "
	    "instead");
}

static int
copy_run_id_from_environment(struct loader *l, struct err *e)
{
	const char *run = getenv("ETL_RUN");

	if (run == NULL || *run == '\0')
		return 0;
	l->run = strdup(run);
	return l->run == NULL ? err_nomem(e) : 0;
}

int
loader_open(struct loader *l, const struct load_opts *o, struct stage *s,
    struct err *e)
{
	const struct load_mode *mode;
	enum json_members dup;

	*l = (struct loader){ .o = o, .stage = s };
	spool_init(&l->spool);
	buf_init(&l->written, SIZE_MAX / 2);
	l->retry.max = o->retries;
	if (record_options_check(o->max_record, o->duplicates, &dup, e) == -1 ||
	    retry_parse_backoff_or_env(&l->retry, o->backoff, e) == -1 ||
	    load_mode_find(&mode, o, e) == -1 ||
	    time_limits_check_options(o, e) == -1 ||
	    expect_parse(&l->expect, &o->expect, e) == -1 ||
	    mapping_check_options(o, e) == -1 ||
	    check_run_database(o, e) == -1 ||
	    copy_run_id_from_environment(l, e) == -1 ||
	    causes_new(&l->causes, e) == -1 ||
	    retry_while_transient(&l->retry,
		open_database_table_and_sink_or_close, l, e) == -1)
		return -1;
	l->whole = o->single || l->target.mode->complete || l->expect.n > 0;
	l->batch_limit = o->batch;
	return outcome_init(&l->outcome, s, &l->target, dup, e);
}

void
loader_close(struct loader *l)
{
	outcome_release(&l->outcome);
	spool_release(&l->spool);
	causes_free(l->causes);
	expect_release(&l->expect);
	buf_release(&l->written);
	free(l->run);
	stream_release(&l->stream);
	close_database_table_and_sink(l);
}
