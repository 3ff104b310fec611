#include "sink.h"

#include "pg/pg_fault.h"
#include "pg/pg_newer.h"
#include "pg/pg_sink.h"
#include "pg/pg_table_limits.h"

#include <stdlib.h>
#include <string.h>

static void
pg_sink_close(void *self)
{
	struct pg_sink *s = self;

	if (s == NULL)
		return;
	pg_rows_release(&s->rows);
	pg_scopes_release(&s->scopes);
	pg_swap_close(&s->swap);
	pg_mirror_release(&s->mirror);
	buf_release(&s->sql);
	free(s->may_be_freed);
	free(s->judged_by_index);
	free(s);
}

/* Fails if the table has a column whose name begins with "etl.". The statements
 * of pg_sql.c and pg_row_by_row.c use such names for their own columns and
 * variables. */
static int
check_column_names(const struct pg_sink *s, struct err *e)
{
	const struct table *t = s->target->table;

	for (size_t i = 0; i < t->n; i++)
		if (strncmp(t->columns[i].name, "etl.", 4) == 0)
			return err_set(e, ERR_CONFIG, false, "table %s: column "
			    "\"%s\": etl-load cannot load a column whose name "
			    "begins with etl., it uses such names itself: "
			    "rename the column",
			    t->name, t->columns[i].name);
	return 0;
}

/* True if the staging table is made once and kept until the end of the
 * session. */
static bool
stays_in_session(const struct pg_sink *s)
{
	return !s->straight && !db_is_pooled(s->db);
}

/* Makes the sink write to the new table of --mode replace, which is made
 * later. */
static int
open_swap(struct pg_sink *s, struct err *e)
{
	if (pg_swap_open(&s->swap, s->db, s->target, e) == -1)
		return -1;
	s->target = s->rows.target = &s->swap.target;
	return 0;
}

static int
pg_sink_open(void **self, struct db *db, const struct target *t,
    struct err *e)
{
	struct pg_sink *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->db = db;
	s->target = t;
	pg_rows_init(&s->rows, db, t);
	pg_scopes_init(&s->scopes, db, t);
	pg_mirror_init(&s->mirror, db, t);
	buf_init(&s->sql, SIZE_MAX / 2);
	*self = s;
	if (check_column_names(s, e) == -1 ||
	    (t->newer_by != NO_COLUMN &&
	    pg_check_newer_by(db, t, e) == -1) ||
	    pg_read_traits(s, e) == -1 ||
	    pg_set_straight(s, e) == -1 ||
	    pg_check_rules(s, e) == -1 ||
	    pg_set_too_wide(s, e) == -1 ||
	    (stays_in_session(s) && pg_create_stage(s, true, e) == -1) ||
	    (t->swaps && open_swap(s, e) == -1)) {
		pg_sink_close(s);
		*self = NULL;
		return -1;
	}
	s->staging = stays_in_session(s);
	return 0;
}

/* Returns as pg_try_small_chunk(). */
static int
load_small_chunk(struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc;

	if (pg_rows_make(&s->rows, o, e) == -1)
		return -1;
	rc = pg_try_small_chunk(s, o, e);
	if (rc == 0 && pg_stage_begin(s, e) == -1)
		return -1;
	return rc;
}

/* Loads the records of the chunk in the way that fits it. */
static int
load_chunk_rows(struct pg_sink *s, struct outcome *o, struct err *e)
{
	bool straight = s->straight || pg_expects_new_keys(s, o);
	int rc;

	if (pg_chunk_begin(s, !o->begun, e) == -1)
		return -1;
	if (!straight && pg_chunk_is_small(s, o->chunk)) {
		rc = load_small_chunk(s, o, e);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
	} else if ((!straight &&
	    pg_stage_begin(s, e) == -1) ||
	    pg_rows_copy(&s->rows, o, !straight, e) ==
		-1) {
		return -1;
	}
	if (s->rows.n > 0 &&
	    (straight ? pg_finish_straight(s, o, e) :
	    pg_merge_by_stage(s, o, e)) == -1)
		return -1;
	return db_script(s->db, "RELEASE SAVEPOINT etl_chunk", e);
}

/* Puts the table and line numbers before an error message of the server. The
 * line is that of s->failed_item if this is set: the statement for this record
 * has failed even when it was run without any row. Otherwise the lines are
 * those of the chunk. */
static void
prefix_lines(const struct pg_sink *s, const struct outcome *o, struct err *e)
{
	const char *table = s->target->table->name;
	size_t n = o->chunk->n;
	unsigned long long first, last;

	if (db_fault(s->db)->sqlstate[0] == '\0' || n == 0)
		return;
	first = spool_get_line(o->chunk, 0).number;
	last = spool_get_line(o->chunk, n - 1).number;
	if (s->failed_item != NO_ITEM)
		first = last = spool_get_line(o->chunk, s->failed_item).number;
	if (first == last)
		err_prefix(e, "table %s, line %llu", table, first);
	else
		err_prefix(
		    e, "table %s, lines %llu to %llu", table, first, last);
}

static enum sink_result
pg_sink_apply(void *self, struct outcome *o, struct err *e)
{
	struct pg_sink *s = self;
	int rc;

	(void)reader_forget_shapes(&o->reader);
	s->failed_item = NO_ITEM;
	rc = load_chunk_rows(s, o, e);
	if (rc == -1 && pg_binary_failed(s)) {
		s->rows.some_need_text = true;
		return SINK_REPEAT;
	}
	if (rc == -1)
		prefix_lines(s, o, e);
	s->deadlocked = rc == -1 &&
	    strcmp(db_fault(s->db)->sqlstate, "40P01") == 0;
	pg_note_dead_rows(s);
	if (s->rows.text.len > SPOOL_LARGE)
		buf_release(&s->rows.text);
	if (s->rows.scratch.cap > SPOOL_LARGE)
		buf_release(&s->rows.scratch);
	return rc == -1 ? SINK_FAILED : SINK_DONE;
}

static enum sink_result
pg_sink_settle(void *self, struct err *e)
{
	struct pg_sink *s = self;

	return pg_settle(s, e);
}

static void
pg_sink_reset(void *self)
{
	struct pg_sink *s = self;

	s->staging = false;
	s->scopes.tuples.there = false;
	s->mirror.rejected.there = false;
}

static int
pg_sink_check_scopes(void *self, struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_check(&s->scopes, e);
}

static int
pg_sink_start_scopes(void *self, struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_start(&s->scopes, e);
}

static int
pg_sink_add_scopes(
    void *self, struct outcome *o, uint64_t *unreadable, struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_add(&s->scopes, o, unreadable, e);
}

static int
pg_sink_finish_scopes(void *self, struct outcome *o, struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_delete(&s->scopes, o, e);
}

static int
pg_sink_put_scope_ids(void *self, struct scope_ids *ids, struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_put_ids(&s->scopes, ids, e);
}

static int
pg_sink_add_rejected(void *self, struct outcome *o, struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_add_rejected(&s->scopes, o, e);
}

static int
pg_sink_emptied(void *self, int64_t *n, struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_emptied(&s->scopes, n, e);
}

static int
pg_sink_recordless(void *self, const struct scope_ids *recorded, int64_t *n,
    struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_recordless(&s->scopes, recorded, n, e);
}

static int
pg_sink_check_empty(void *self, struct err *e)
{
	struct pg_sink *s = self;

	return s->target->swaps ? pg_swap_check(&s->swap, e) :
	    pg_check_empty(s, e);
}

static int
pg_sink_empty(void *self, uint64_t *removed, struct err *e)
{
	struct pg_sink *s = self;

	return s->target->swaps ?
	    pg_swap_make_table(&s->swap, removed, e) :
	    pg_empty_table(s, removed, e);
}

static int
pg_sink_swap(void *self, struct err *e)
{
	struct pg_sink *s = self;

	return s->target->swaps ? pg_swap_tables(&s->swap, e) : 0;
}

static const struct sink_scopes scopes = {
    .check = pg_sink_check_scopes,
    .start = pg_sink_start_scopes,
    .add = pg_sink_add_scopes,
    .put_ids = pg_sink_put_scope_ids,
    .finish = pg_sink_finish_scopes,
    .add_rejected = pg_sink_add_rejected,
    .count_emptied = pg_sink_emptied,
    .count_recordless = pg_sink_recordless,
};

const struct sink sink_pg = {
    .kind = DB_POSTGRESQL,
    .open = pg_sink_open,
    .apply = pg_sink_apply,
    .settle = pg_sink_settle,
    .reset = pg_sink_reset,
    .close = pg_sink_close,
    .why_not_split = pg_why_not_split,
    .check_empty = pg_sink_check_empty,
    .empty = pg_sink_empty,
    .swap = pg_sink_swap,
    .scopes = &scopes,
    .written = &pg_written,
    .images = &pg_images,
    .late = &pg_late,
    .mirror = &pg_mirror_calls,
};
