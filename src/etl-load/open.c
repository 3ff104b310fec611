#include "open.h"

#include "base/file.h"
#include "base/hash.h"
#include "create.h"
#include "expect.h"
#include "loader.h"
#include "nested.h"
#include "phase.h"
#include "plan.h"
#include "sink.h"
#include "stream.h"
#include "workers.h"

#include <stdlib.h>
#include <string.h>

enum { DDL_MAX = 64 << 20 };

/* Runs the script of --ddl. If two loaders create the same table at the same
 * time, PostgreSQL can refuse one CREATE TABLE although the script says IF NOT
 * EXISTS. If the server reports that the table exists, the script is run a
 * second time. If the server reports a duplicate key in its own catalog
 * (SQLSTATE class 23), the error is marked as transient, so that the caller
 * tries again. */
static int
run_script(struct loader *l, const char *sql, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	int rc = db_script(l->db, sql, e);
	/* A table, a type or a schema of this name exists. */
	bool exists = strcmp(f->sqlstate, "42P07") == 0 ||
	    strcmp(f->sqlstate, "42710") == 0 ||
	    strcmp(f->sqlstate, "42P06") == 0;

	if (rc == -1 && exists) {
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
	rc = file_read(&b, l->o->ddl, e);
	(void)buf_text(&b);
	if (rc == 0)
		rc = buf_check(&b, e);
	if (rc == 0 && strlen(buf_text(&b)) != b.len)
		rc = err_set(e, ERR_CONFIG, false, "%s: not an SQL script: it "
		    "contains a NUL byte", l->o->ddl);
	if (rc == 0)
		rc = run_script(l, buf_text(&b), e);
	/* The script may have changed options of the session. */
	if (rc == 0)
		rc = time_limits_set(l, e);
	buf_release(&b);
	return rc;
}

/* Opens the database, runs the script of --ddl, makes the table of --create and
 * opens the tables. The default database (file etl.db) is created only if one
 * of these options is given: otherwise the file would stay empty and have no
 * table to load. */
static int
open_load(struct loader *l, struct err *e)
{
	const char *url = getenv("DATABASE_URL");
	bool create = l->o->ddl != NULL || l->o->create || l->o->db != NULL ||
	    (url != NULL && *url != '\0');

	if ((create ? db_open : db_open_existing)(&l->db, l->o->db, e) == -1)
		return -1;
	if (time_limits_init(l, e) == -1)
		return -1;
	if (l->o->ddl != NULL && run_ddl_file(l, e) == -1)
		return -1;
	if (l->o->create && (create_check_children(l, e) == -1 ||
	    create_ensure_table(&l->sample, l->db, l->stage, &l->absent,
	    e) == -1 ||
	    create_children(l, NULL, e) == -1))
		return -1;
	if (loader_open_tables(l, e) == -1)
		return -1;
	if (l->absent)
		return 0;
	return phases_check(l, e);
}

/* Closes the workers, the tables and the database. */
static void
close_load(struct loader *l)
{
	workers_close(l);
	for (size_t i = 0; l->tables != NULL && i < loader_count_tables(l);
	    i++) {
		if (l->sink != NULL)
			l->sink->close(l->tables[i].self);
		l->tables[i].self = NULL;
		target_close(&l->tables[i].target);
	}
	db_close(l->db);
	l->db = NULL;
}

/* Opens what a load or --plan needs. Closes it again if this fails. */
static int
try_to_open(void *self, struct err *e)
{
	struct loader *l = self;

	if ((l->o->plan ? plan_open : open_load)(l, e) == 0)
		return 0;
	if (l->db != NULL)
		time_limits_explain(l->o, db_fault(l->db), e);
	close_load(l);
	return -1;
}

/* Fails inside etl-run if --db names another database than etl-run uses. The
 * rows, the dead letters (rejected records) and the state of the run must be in
 * one database, because they are committed together. */
static int
check_run_db(const struct load_opts *o, struct err *e)
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

/* Gives each table its own options. If --mode is not given and --tables gives a
 * key for at least one table, all tables are loaded with --mode upsert: a table
 * without a key there uses its primary key. */
static int
set_table_options(struct loader *l, struct err *e)
{
	size_t n = l->list.n > 0 ? l->list.n : 1;
	const struct nested_list *nested = &l->nested_list;

	if ((l->tables = calloc(n + nested->n, sizeof(*l->tables))) == NULL)
		return err_nomem(e);
	l->ntables = n;
	for (size_t i = 0; i < n; i++) {
		struct load_opts *o = &l->tables[i].o;

		*o = *l->o;
		if (nested_set_pointers(nested, i, o, e) == -1)
			return -1;
		if (l->list.n > 0) {
			o->table = l->list.v[i].table;
			o->key = l->list.v[i].key;
			if (o->mode == NULL && l->list.keyed)
				o->mode = "upsert";
		}
		if (load_mode_choose(&l->mode, o, e) == -1) {
			if (l->list.n > 0)
				err_prefix(e, "--tables, table %s", o->table);
			return -1;
		}
	}
	for (size_t i = 0; i < nested->n; i++)
		nested_set_options(&nested->v[i],
		    &l->tables[nested->v[i].parent].o, &l->tables[n + i].o);
	return 0;
}

/* Initializes the outcome of each table. With --tables also opens the route. */
static int
init_outcomes(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		struct outcome *o = &l->tables[i].outcome;

		evolve_init(&l->tables[i].evolve, &l->tables[i].o, l->mode,
		    l->duplicates);
		l->tables[i].evolve.record.source = &l->types;
		buf_init(&l->tables[i].scopes.json, SIZE_MAX / 4);
		buf_init(&l->tables[i].recorded.json, SIZE_MAX / 4);
		if (outcome_init(o, l->stage, &l->tables[i].target,
			l->duplicates, e) == -1)
			return -1;
		o->table = (uint16_t)i;
	}
	if (l->list.n == 0)
		return 0;
	if (route_open(&l->route, l->stage, &l->list, l->o->table_from, e) ==
	    -1)
		return -1;
	l->route.tombstones = l->mode->changes;
	l->route.rejects_too = l->mode->mirrors || l->mode->by_scope;
	return 0;
}

int
loader_open(struct loader *l, const struct load_opts *o, struct stage *s,
    struct err *e)
{
	const char *run = getenv("ETL_RUN");

	*l = (struct loader){ .o = o, .stage = s };
	spool_init(&l->batch.spool);
	reject_lines_init(&l->batch.rejects, s);
	buf_init(&l->batch.written, SIZE_MAX / 2);
	uuid_new(l->plain_run);
	l->retry.max = o->retries;
	if (record_options_check(
		o->max_record, o->duplicates, &l->duplicates, e) == -1 ||
	    retry_parse(&l->retry, o->backoff, e) == -1 ||
	    table_list_parse(&l->list, o, e) == -1 ||
	    nested_list_parse(&l->nested_list, o, &l->list, e) == -1 ||
	    set_table_options(l, e) == -1 ||
	    time_limits_check(o, e) == -1 ||
	    expect_parse(&l->expect, &o->expect, e) == -1 ||
	    mapping_check(o, e) == -1 ||
	    check_run_db(o, e) == -1)
		return -1;
	if (run != NULL && *run != '\0' && (l->run = strdup(run)) == NULL)
		return err_nomem(e);
	if (causes_new(&l->causes, e) == -1)
		return -1;
	sample_init(&l->sample, &l->tables[0].o, l->mode, l->duplicates);
	l->sample.source = &l->types;
	if (retry_call(&l->retry, try_to_open, l, e) == -1)
		return -1;
	if (!o->plan)
		sample_release(&l->sample);
	l->once = o->single || l->mode->complete || l->expect != NULL;
	l->whole = l->once;
	l->full_batch = o->batch == BATCH_NOT_GIVEN ? 10000 : o->batch;
	l->batch_limit = l->full_batch;
	return init_outcomes(l, e) == -1 ? -1 : nested_open(l, e);
}

void
loader_close(struct loader *l)
{
	for (size_t i = 0; l->tables != NULL && i < loader_count_tables(l);
	    i++) {
		outcome_release(&l->tables[i].outcome);
		evolve_release(&l->tables[i].evolve);
		buf_release(&l->tables[i].scopes.json);
		buf_release(&l->tables[i].recorded.json);
		free(l->tables[i].o.nested_at.v);
	}
	nested_close(l);
	reject_lines_release(&l->batch.rejects);
	sample_release(&l->sample);
	source_types_release(&l->types);
	plan_free(l->plan);
	spool_release(&l->batch.spool);
	causes_free(l->causes);
	expect_free(l->expect);
	buf_release(&l->batch.written);
	free(l->run);
	stream_release(&l->stream);
	close_load(l);
	free(l->tables);
	free(l->tables_name);
	route_release(&l->route);
	table_list_release(&l->list);
	nested_list_release(&l->nested_list);
}
