#include "loader.h"

#include "open/time_limits.h"

#include <stdlib.h>

/* The script of --ddl may have set options of the session, such as search_path
 * and the role. The workers need the same options but must not run the script,
 * which may do more. So this function makes a script that only sets these
 * options. Does nothing without --ddl, and on a connection of a pool. */
static int
read_ddl_settings(struct loader *l, struct err *e)
{
	struct buf *b = &l->workers.settings;
	struct db_rows *r;
	int rc;

	buf_clear(b);
	if (l->o->ddl == NULL || db_is_pooled(l->db))
		return 0;
	if (db_query(l->db, &r, db_sql(l->db, SQL_SESSION_SETTINGS), NULL, 0,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		buf_add(b, db_column(r, 0).p, db_column(r, 0).len);
	db_end(r);
	(void)buf_text(b);
	return rc == -1 ? -1 : buf_check(b, e);
}

/* Sets the options of the session as --ddl has set them, and the time
 * limits. */
static int
set_session(struct worker *w, struct err *e)
{
	const struct loader *l = w->loader;
	const struct buf *settings = &l->workers.settings;

	if (settings->len > 0 && db_script(w->db, settings->data, e) == -1)
		return -1;
	return time_limits_set_for(w->db, l->o, e);
}

static int
open_worker(struct worker *w, struct loader *l, struct err *e)
{
	struct loaded_table *t = &l->tables[0];

	w->loader = l;
	spool_init(&w->share);
	if (db_open(&w->db, l->o->db, e) == -1 ||
	    set_session(w, e) == -1 ||
	    l->sink->open(&w->self, w->db, &t->target, e) == -1)
		return -1;
	return outcome_init(
	    &w->outcome, l->stage, &t->target, l->duplicates, e);
}

static void
close_worker(struct worker *w)
{
	if (w->loader == NULL)
		return;
	if (w->self != NULL)
		w->loader->sink->close(w->self);
	outcome_release(&w->outcome);
	db_close(w->db);
	free(w->share.items);
	free(w->place);
}

int
worker_reconnect(struct worker *w, struct err *e)
{
	if (db_reopen(w->db, e) == -1)
		return -1;
	w->loader->sink->reset(w->self);
	return set_session(w, e) == -1 ? -1 : worker_ask_commit(w, e);
}

int
worker_prefix_error(const struct workers *all, size_t i, struct err *e)
{
	err_prefix(e, "connection %zu of --connections %zu", i + 1, all->n);
	return -1;
}

static int
open_workers(struct loader *l, struct err *e)
{
	struct workers *all = &l->workers;

	buf_init(&all->settings, SIZE_MAX / 4);
	if ((all->v = calloc(all->wanted, sizeof(*all->v))) == NULL)
		return err_nomem(e);
	all->n = all->wanted;
	if (read_ddl_settings(l, e) == -1)
		return -1;
	for (size_t i = 0; i < all->n; i++) {
		if (open_worker(&all->v[i], l, e) == 0)
			continue;
		return worker_prefix_error(all, i, e);
	}
	return 0;
}

int
workers_set_wanted(struct loader *l, struct err *e)
{
	const struct loaded_table *t = &l->tables[0];
	struct workers *all = &l->workers;
	const char *why = NULL;

	if (l->o->connections == 1)
		return 0;
	if (l->sink->why_not_split == NULL)
		return err_set(e, ERR_USAGE, false, "--connections is for "
		    "PostgreSQL: in SQLite only one connection can write at "
		    "a time");
	if (l->sink->why_not_split(t->self, &why, e) == -1)
		return -1;
	if (why != NULL) {
		err_warnf("etl-load", "--connections: table %s: %s: the load "
		    "uses one connection", t->target.table->name, why);
		return 0;
	}
	all->wanted = l->o->connections;
	return key_hash_open(&all->hash, &t->target, e);
}

int
workers_open(struct loader *l, struct err *e)
{
	if (workers_set_wanted(l, e) == -1)
		return -1;
	return l->workers.wanted == 0 ? 0 : open_workers(l, e);
}

void
workers_close(struct loader *l)
{
	struct workers *all = &l->workers;

	for (size_t i = 0; i < all->n; i++)
		close_worker(&all->v[i]);
	free(all->v);
	free(all->share_of);
	key_hash_close(&all->hash);
	buf_release(&all->settings);
	*all = (struct workers){ 0 };
}
