#include "sink.h"

#include "pg/pg_fault.h"
#include "pg/pg_newer.h"
#include "pg/pg_sink.h"
#include "pg/pg_stage_sql.h"
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

static int
create_stage_table(struct pg_sink *s, struct err *e)
{
	buf_clear(&s->sql);
	pg_put_create_stage_table(&s->sql, s->target);
	return pg_run_sql_text(s, e);
}

/* Sets s->straight to true if COPY can write the rows directly into the target
 * table. It cannot if --mode is upsert or ignore, because COPY does not compare
 * keys; if --touch or --seen sets a column; if the table has row-level
 * security, which COPY does not support; or if it has triggers that must run
 * after each record. */
static int
find_if_copy_may_be_straight(struct pg_sink *s, struct err *e)
{
	static const char sql[] =
	    "SELECT pg_catalog.row_security_active($1::text::regclass)::int";
	const struct target *t = s->target;
	struct db_value v = db_text(t->table->quoted);
	int64_t secured = 0;

	if (t->mode->keyed || t->touch != NO_COLUMN || t->seen != NO_COLUMN ||
	    s->one_by_one)
		return 0;
	if (db_int(s->db, sql, &v, 1, 0, &secured, e) == -1)
		return -1;
	s->straight = !secured;
	return 0;
}

/* Fails if the table has a column whose name begins with "etl.". The statements
 * of pg_sql.c and pg_row_by_row.c use such names for their own columns and
 * variables. */
static int
refuse_columns_named_etl(const struct pg_sink *s, struct err *e)
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

/* True if the staging table is made once and stays in the session. */
static bool
stays_in_session(const struct pg_sink *s)
{
	return !s->straight && !db_is_pooled(s->db);
}

/* Makes the sink write into the new table, which does not exist yet. */
static int
write_to_new_table(struct pg_sink *s, struct err *e)
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
	if (refuse_columns_named_etl(s, e) == -1 ||
	    (t->newer_by != NO_COLUMN &&
	    pg_check_newer_by_has_order(db, t, e) == -1) ||
	    pg_read_table_traits(s, e) == -1 ||
	    find_if_copy_may_be_straight(s, e) == -1 ||
	    pg_refuse_rules(s, e) == -1 ||
	    pg_find_if_too_wide(s, e) == -1 ||
	    (stays_in_session(s) && create_stage_table(s, e) == -1) ||
	    (t->swaps && write_to_new_table(s, e) == -1)) {
		pg_sink_close(s);
		*self = NULL;
		return -1;
	}
	s->staging = stays_in_session(s);
	return 0;
}

/* Copies the chunk's rows to the server, except for those with the same shape
 * (set of columns) as its first row: these were copied while they were made. */
static int
copy_other_shapes(struct pg_sink *s, bool staged, struct err *e)
{
	struct pg_rows *r = &s->rows;

	for (size_t i = 0; i < r->nshapes && !r->failed; i++)
		if (r->used[i] && r->shapes[i] != r->first &&
		    pg_copy_rows_of_shape(r, r->shapes[i], staged, e) == -1)
			return -1;
	return r->failed ? -1 : 0;
}

/* True if one of the records that are loaded by this COPY has no members. COPY
 * cannot load such a record, because COPY needs at least one column. */
static bool
has_empty_record(const struct pg_sink *s)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] && s->rows.shapes[i]->n == 0)
			return true;
	return false;
}

/* Finishes the COPY directly into the target table. Returns 1: all rows are in
 * the table; 0: the COPY was rolled back, and the caller must copy the rows
 * into the staging table (a temporary table) instead; -1 with *e. If the server
 * reports fewer rows than etl-load has sent, a trigger has suppressed the
 * others; they are counted as unchanged. */
static int
finish_straight_copy_or_roll_back(
    struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc;

	if (has_empty_record(s))
		return db_script(s->db, "ROLLBACK TO SAVEPOINT etl_chunk", e);
	rc = copy_other_shapes(s, false, e);
	if (rc == 0)
		rc = pg_check_deferred_constraints(s, e);
	rc = pg_roll_back_if_refused(s, o, rc, "etl_chunk", e);
	if (rc == 1) {
		o->sums.inserted += (uint64_t)s->rows.copied;
		o->sums.unchanged += s->rows.n - (uint64_t)s->rows.copied;
	}
	return rc;
}

static int
empty_stage_and_set_savepoint(
    struct pg_sink *s, struct outcome *o, struct err *e)
{
	if (!s->staging && create_stage_table(s, e) == -1)
		return -1;
	if (o->ordinal > 0 &&
	    db_script(s->db, "TRUNCATE " PG_STAGE, e) == -1)
		return -1;
	return db_script(s->db, "SAVEPOINT etl_stage", e);
}

static int
copy_rows_to_stage_or_reject(
    struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc = pg_roll_back_if_refused(
	    s, o, copy_other_shapes(s, true, e), "etl_stage", e);

	for (size_t i = 0; i < s->rows.nshapes && rc == 0; i++)
		if (s->rows.used[i])
			rc = pg_copy_shape_in_savepoints(
			    &s->rows, s->rows.shapes[i], true, o, e);
	return rc == -1 ? -1 : 0;
}

/* Called if COPY directly into the target table was rolled back, because the
 * server refused a row or a record has no members. Copies the rows of the chunk
 * into the staging table (a temporary table) instead or, if the table has too
 * many columns for that, into the target table in pieces. */
static int
copy_rows_of_undone_copy(struct pg_sink *s, struct outcome *o, struct err *e)
{
	s->rows.first = NULL;
	s->rows.failed = false;
	if (s->too_wide)
		return pg_copy_wide_rows_or_reject(s, o, e);
	return empty_stage_and_set_savepoint(s, o, e) == -1
		   ? -1
		   : copy_rows_to_stage_or_reject(s, o, e);
}

static int
copy_and_merge_chunk(struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc;

	if (pg_lock_if_first_and_set_savepoint(s, o->ordinal == 0, e) == -1 ||
	    (!s->straight && empty_stage_and_set_savepoint(s, o, e) == -1) ||
	    pg_rows_make_and_copy_first_shape(&s->rows, o, !s->straight, e) ==
		-1)
		return -1;
	if (s->rows.n > 0 && s->straight) {
		rc = finish_straight_copy_or_roll_back(s, o, e);
		if (rc == -1 || (rc == 0 &&
		    (copy_rows_of_undone_copy(s, o, e) == -1 ||
		    (!s->too_wide && pg_merge_chunk(s, o, e) == -1))))
			return -1;
	} else if (s->rows.n > 0) {
		if (copy_rows_to_stage_or_reject(s, o, e) == -1 ||
		    pg_merge_chunk(s, o, e) == -1)
			return -1;
	}
	return db_script(s->db, "RELEASE SAVEPOINT etl_chunk", e);
}

/* Begins the message of an error of the server with the table and the lines of
 * the chunk, or with the line of the record whose statement failed even without
 * a row. */
static void
prefix_table_and_lines(
    const struct pg_sink *s, const struct outcome *o, struct err *e)
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
pg_sink_load_chunk(void *self, struct outcome *o, struct err *e)
{
	struct pg_sink *s = self;
	int rc;

	(void)reader_forget_shapes_if_many(&o->reader);
	s->failed_item = NO_ITEM;
	rc = copy_and_merge_chunk(s, o, e);
	if (rc == -1)
		prefix_table_and_lines(s, o, e);
	s->deadlocked = rc == -1 &&
	    strcmp(db_fault(s->db)->sqlstate, "40P01") == 0;
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
pg_sink_forget_lost_session(void *self)
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

	return pg_scopes_copy(&s->scopes, o, unreadable, e);
}

static int
pg_sink_finish_scopes(void *self, struct outcome *o, struct err *e)
{
	struct pg_sink *s = self;

	return pg_scopes_delete_rows(&s->scopes, o, e);
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
    .finish = pg_sink_finish_scopes,
};

const struct sink sink_pg = {
    .kind = DB_POSTGRESQL,
    .open = pg_sink_open,
    .apply = pg_sink_load_chunk,
    .settle = pg_sink_settle,
    .reset = pg_sink_forget_lost_session,
    .close = pg_sink_close,
    .check_empty = pg_sink_check_empty,
    .empty = pg_sink_empty,
    .swap = pg_sink_swap,
    .scopes = &scopes,
    .written = &pg_written,
    .mirror = &pg_mirror_calls,
};
