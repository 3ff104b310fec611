#include "images.h"

#include "base/stop.h"
#include "control/checkpoints.h"
#include "json/write.h"
#include "loader.h"
#include "phase.h"
#include "stream.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = 1000 };   /* images that before_delete_some deletes */

static bool
wants(const struct loader *l)
{
	return l->o->keep_before || l->o->emit != NULL;
}

/* Fails if images of the table's rows cannot be kept. */
static int
check(struct loader *l, struct err *e)
{
	return l->o->plan ? 0 : l->sink->images->check(l->tables->self, e);
}

static int
begin(struct loader *l, struct err *e)
{
	return l->absent ? 0 : l->sink->images->start(l->tables->self, e);
}

const char *
keep_before_get_run(const struct loader *l)
{
	return l->run != NULL ? l->run : l->marked ? l->stream.id :
	    l->plain_run;
}

/* What one row of etl_before_runs holds. */
struct entry {
	struct buf columns, keys;
	struct db_value who[3];         /* run, target, stream_id */
	int64_t number, version;
	bool there;
};

static void
release_entry(struct entry *n)
{
	buf_release(&n->columns);
	buf_release(&n->keys);
}

static int
init_entry(struct entry *n, const struct loader *l, struct err *e)
{
	const struct target *t = &l->tables->target;
	const struct stream *s = &l->stream;

	*n = (struct entry){ .who = { db_text(keep_before_get_run(
	    l)), db_text(t->table->full), db_text(l->marked ? s->id : "") } };
	if (l->marked && stream_has_checkpoint(s))
		n->version = s->expected + (s->value != NULL);
	buf_init(&n->columns, SIZE_MAX / 4);
	buf_init(&n->keys, SIZE_MAX / 4);
	image_put_names(&n->columns, t->table, NULL, t->table->n);
	image_put_names(
	    &n->keys, t->table, t->identity.columns, t->identity.n);
	(void)buf_text(&n->columns);
	(void)buf_text(&n->keys);
	return buf_check(&n->columns, e) == -1 ? -1 : buf_check(&n->keys, e);
}

static bool
value_equals_text(struct db_value v, const char *text)
{
	return v.len == strlen(text) && memcmp(v.p, text, v.len) == 0;
}

/* Uses the entry that an earlier batch of this run has stored: sets n->number.
 * Fails if the images of the earlier batches were deleted, because the run
 * could then not be undone as a whole. A run that was undone may be loaded
 * again: n->there is then false, and the run gets a new entry. */
static int
take_entry(struct entry *n, const struct loader *l, const struct db_rows *r,
    struct err *e)
{
	bool kept = value_equals_text(db_column(r, 3), "kept");

	n->number = db_column(r, 0).i;
	n->there = kept;
	if (!kept && (l->images_stored || value_equals_text(db_column(r, 3),
	    "dropped")))
		return err_set(e, ERR_DATA, false, "--keep-before: the old "
		    "values of this run were deleted, or the run was undone, "
		    "while it ran: nothing of this batch was loaded; perhaps "
		    "--keep-runs is too small");
	if (kept && (!value_equals_text(db_column(r, 1), n->columns.data) ||
	    !value_equals_text(db_column(r, 2), n->keys.data)))
		return err_set(e, ERR_DATA, false, "--keep-before: table %s "
		    "has other columns or another key than when this run "
		    "began: nothing of this batch was loaded; load the rest "
		    "without --keep-before: the run can then not be undone",
		    l->tables->target.table->name);
	return 0;
}

/* Looks for the entry of this run. Fails if an earlier batch of the run has
 * stored it and it is gone. */
static int
find_entry(struct entry *n, struct loader *l, struct err *e)
{
	struct db_rows *r;
	int rc;

	if (db_query(l->db, &r, db_sql(l->db, SQL_BEFORE_RUN_READ), n->who, 3,
	    e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		rc = take_entry(n, l, r, e);
	else if (rc == 0 && l->images_stored)
		rc = err_set(e, ERR_DATA, false, "--keep-before: the old "
		    "values of this run were deleted while it ran: nothing of "
		    "this batch was loaded; give a greater --keep-runs");
	db_end(r);
	return rc;
}

/* Stores a new entry for the run. It includes the value that the checkpoint has
 * now, before the run moves it. */
static int
insert_entry(struct entry *n, struct loader *l, struct err *e)
{
	const struct stream *s = &l->stream;
	const char *name = l->marked && stream_has_checkpoint(s) ?
	    s->checkpoint : NULL;
	char *value = NULL;
	int64_t version;
	int rc = -1;

	if (db_run(l->db, db_sql(l->db, SQL_BEFORE_RUN_FORGET_UNDONE), n->who,
	    2, NULL, e) == -1 ||
	    (name != NULL && checkpoint_read(
		l->db, name, &value, &version, e) == -1))
		return -1;
	const struct db_value v[] = { n->who[0], n->who[1], n->who[2],
		db_text(n->columns.data), db_text(n->keys.data), db_text(name),
		db_text(value), DB_I(n->version),
		DB_I(!l->marked || s->batches == 0) };

	rc = db_run(l->db, db_sql(l->db, SQL_BEFORE_RUN_INSERT), v,
	    sizeof(v) / sizeof(v[0]), NULL, e);
	free(value);
	return rc;
}

/* Inserts the entry of the run, or updates the one that an earlier batch has
 * stored. */
static int
store_entry(struct entry *n, struct loader *l, struct err *e)
{
	struct db_value v[2];

	if (find_entry(n, l, e) == -1)
		return -1;
	if (!n->there)
		return insert_entry(n, l, e);
	v[0] = DB_I(n->number);
	v[1] = DB_I(n->version);
	return db_run(
	    l->db, db_sql(l->db, SQL_BEFORE_RUN_MOVE), v, 2, NULL, e);
}

static int
finish(struct loader *l, struct err *e)
{
	struct entry n;
	int rc = -1;

	if (l->absent)
		return 0;
	if (l->sink->images->finish(l->tables->self, e) == -1)
		return -1;
	if (!l->o->keep_before)
		return 0;
	if (init_entry(&n, l, e) == 0 &&
	    store_entry(&n, l, e) == 0)
		rc = db_run(l->db, db_sql(l->db, SQL_BEFORE_STORE), n.who, 2,
		    NULL, e);
	release_entry(&n);
	return rc;
}

static int
committed(struct loader *l, struct err *e)
{
	(void)e;
	l->images_stored = l->o->keep_before;
	return 0;
}

const struct phase images_lock_phase = {
	.wants = wants, .begin = begin,
};
const struct phase images_phase = {
	.wants = wants, .check = check, .finish = finish,
	.committed = committed,
};

/* Deletes the images of a run in small transactions, so that no other session
 * has to wait long. If the program is killed between two of them, the next load
 * deletes the rest. */
static int
delete_images(struct loader *l, const char *run, struct err *e)
{
	const struct db_value v[] = { db_text(run),
		db_text(l->tables->target.table->full) };
	int64_t n = STEP;

	if (db_run(l->db, db_sql(l->db, SQL_BEFORE_SET_DROPPED), v, 2, NULL,
	    e) == -1)
		return -1;
	while (n == STEP && stop_signal() == 0)
		if (db_run(l->db, db_sql(l->db, SQL_BEFORE_DELETE_SOME), v, 2,
		    &n, e) == -1)
			return -1;
	return n == STEP ? 0 : db_run(l->db,
	    db_sql(l->db, SQL_BEFORE_RUN_DELETE), v, 2, NULL, e);
}

/* Finds a run that is older than the last --keep-runs runs. Sets *run to its
 * name, which the caller frees, or to NULL if there is none. */
static int
find_old_run(struct loader *l, char **run, struct err *e)
{
	const struct db_value v[] = { db_text(l->tables->target.table->full),
		DB_I((int64_t)l->o->keep_runs) };
	struct db_rows *r;
	int rc;

	*run = NULL;
	if (db_query(l->db, &r, db_sql(l->db, SQL_BEFORE_LIST_OLD), v, 2,
	    e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1 &&
	    (*run = strdup(db_column(r, 0).p)) == NULL)
		rc = err_nomem(e);
	db_end(r);
	return rc == -1 ? -1 : 0;
}

void
keep_before_prune(struct loader *l)
{
	struct err e = { 0 };
	char *run = NULL;
	int rc = 0;

	while (l->images_stored && rc == 0 && stop_signal() == 0 &&
	    (rc = find_old_run(l, &run, &e)) == 0 && run != NULL) {
		rc = delete_images(l, run, &e);
		free(run);
	}
	if (rc == -1)
		err_warnf("etl-load", "the load is complete, but the old "
		    "values of earlier runs could not be deleted: %s", e.msg);
}

/* A call of etl_image() gets at most so many values: SQLite allows at most 127
 * arguments of a function. */
enum { LITE_ARGUMENTS = 100 };

static const struct column *
get_column(const struct table *t, const size_t *columns, size_t i)
{
	return &t->columns[columns == NULL ? i : columns[i]];
}

static void
put_sqlite_image(struct buf *b, const struct table *t, const size_t *columns,
    size_t n, const char *from)
{
	buf_str(b, "('['");
	for (size_t i = 0; i < n; i++) {
		if (i % LITE_ARGUMENTS == 0)
			buf_str(b, i == 0 ? " || etl_image(" :
			    ") || ',' || etl_image(");
		buf_printf(b, "%s%s.%s", i % LITE_ARGUMENTS == 0 ? "" : ", ",
		    from, get_column(t, columns, i)->quoted);
	}
	buf_str(b, n > 0 ? ") || ']')" : " || ']')");
}

/* Appends the image of n columns: those with the numbers in `columns`, or all
 * if it is NULL. */
static void
put_image(struct buf *b, enum db_kind kind, const struct table *t,
    const size_t *columns, size_t n, const char *from)
{
	if (kind == DB_SQLITE) {
		put_sqlite_image(b, t, columns, n, from);
		return;
	}
	buf_str(b, "pg_catalog.to_json(ARRAY[");
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s.%s::text", i > 0 ? ", " : "", from,
		    get_column(t, columns, i)->quoted);
	buf_str(b, "]::text[])::text");
}

void
image_put_row(struct buf *b, enum db_kind kind, const struct table *t,
    const char *from)
{
	put_image(b, kind, t, NULL, t->n, from);
}

void
image_put_columns(struct buf *b, enum db_kind kind, const struct table *t,
    const size_t *columns, size_t n, const char *from)
{
	put_image(b, kind, t, columns, n, from);
}

void
image_put_names(struct buf *b, const struct table *t, const size_t *columns,
    size_t n)
{
	buf_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		const char *name = get_column(t, columns, i)->name;

		if (i > 0)
			buf_char(b, ',');
		json_put_string(b, name, strlen(name));
	}
	buf_char(b, ']');
}

void
image_put_value(struct buf *b, enum db_kind kind, const struct column *c,
    const char *image, size_t i)
{
	if (kind == DB_SQLITE)
		buf_printf(b, "etl_value(%s, %zu)", image, i);
	else
		buf_printf(b, "(%s::json OPERATOR(pg_catalog.->>) %zu)::%s",
		    image, i, c->type);
}

/* Compares each column of the key first, so that the database can use an index,
 * and then the whole image of the key, which must be the same text. */
void
image_put_has_key(struct buf *b, enum db_kind kind, const struct table *t,
    const size_t *columns, size_t n, const char *from, const char *image)
{
	for (size_t i = 0; i < n; i++) {
		const struct column *c = &t->columns[columns[i]];
		const char *equal = c->equal != NULL ? c->equal :
		    "OPERATOR(pg_catalog.=)";

		buf_printf(b, "%s.%s", from, c->quoted);
		if (c->equal_type != NULL)
			buf_printf(b, "::%s", c->equal_type);
		buf_printf(b, " %s ", kind == DB_SQLITE ? "IS" : equal);
		image_put_value(b, kind, c, image, i);
		if (c->equal_type != NULL)
			buf_printf(b, "::%s", c->equal_type);
		buf_str(b, " AND ");
	}
	put_image(b, kind, t, columns, n, from);
	buf_printf(b, kind == DB_SQLITE ? " = %s" :
	    " OPERATOR(pg_catalog.=) %s", image);
}
