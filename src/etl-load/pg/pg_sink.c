#include "pg/pg_sink.h"

#include "base/stop.h"
#include "columns_sql.h"
#include "pg/pg_copy.h"
#include "pg/pg_merge.h"
#include "pg/pg_sql.h"
#include "pg/pg_way.h"
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
pg_run_script(struct pg_sink *s, struct err *e)
{
	const char *t = buf_finish(&s->sql, e);

	return t == NULL ? -1 : db_script(s->db, t, e);
}

int
pg_run_statement(struct pg_sink *s, int64_t *n, struct err *e)
{
	const char *t = buf_finish(&s->sql, e);

	return t == NULL ? -1 : db_run(s->db, t, NULL, 0, n, e);
}

int
pg_check_deferred(struct pg_sink *s, struct err *e)
{
	return s->mood.deferred ?
	    db_script(s->db, "SET CONSTRAINTS ALL IMMEDIATE", e) : 0;
}

int
pg_roll_back(struct pg_sink *s, const struct outcome *o, int rc,
    const char *savepoint, struct err *e)
{
	if (rc == 0)
		return 1;
	if (!pg_may_blame_record(db_fault(s->db), o->judge_all))
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "ROLLBACK TO SAVEPOINT %s", savepoint);
	return pg_run_script(s, e);
}

int
pg_run_merge(struct pg_sink *s, struct sums *sums, struct err *e)
{
	struct db_rows *r = NULL;
	const char *t;
	int rc = -1;

	if ((t = buf_finish(&s->sql, e)) == NULL ||
	    db_query(s->db, &r, t, NULL, 0, e) == -1)
		return -1;
	if (db_next(r, e) == 1) {
		int64_t all = db_column(r, 0).i, new = db_column(r, 1).i;

		sums->inserted += (uint64_t)new;
		sums->updated += (uint64_t)(all - new);
		rc = 0;
	}
	db_end(r);
	return rc;
}

int
pg_run_count(struct pg_sink *s,
    void (*put)(struct buf *, const struct target *), int64_t *n, struct err *e)
{
	const char *t;

	buf_clear(&s->sql);
	put(&s->sql, s->target);
	return (t = buf_finish(&s->sql, e)) == NULL ? -1 :
	    db_query_int(s->db, t, NULL, 0, 0, n, e);
}

/* Checks the deferred constraints of other tables, which PostgreSQL itself
 * checks only at COMMIT. If one fails, PostgreSQL does not say which row of the
 * batch was at fault. Then this function sets s->mood.deferred and returns
 * SINK_REPEAT, and the caller loads the batch again. In this second load, the
 * sink checks the constraints after each part (chunk) of the batch, and, in a
 * chunk that fails, after each row. */
static enum sink_result
check_elsewhere(struct pg_sink *s, struct err *e)
{
	if (s->mood.deferred || !s->facts.elsewhere ||
	    db_script(s->db, "SET CONSTRAINTS ALL IMMEDIATE", e) == 0)
		return SINK_DONE;
	s->mood.deferred = pg_may_blame_record(db_fault(s->db), false);
	return s->mood.deferred ? SINK_REPEAT : SINK_FAILED;
}

/* Called after the last record of the batch was written. Checks the deferred
 * constraints, which PostgreSQL would check only at COMMIT. If the target is a
 * new table (--mode replace), makes its indexes and foreign keys. If one of
 * them refuses a row, PostgreSQL does not say which record it was. Then the
 * result is SINK_REPEAT: the caller loads the batch again, into a new table
 * that has its indexes and foreign keys before the rows come. */
static enum sink_result
pg_sink_settle(void *self, struct err *e)
{
	struct pg_sink *s = self;
	enum sink_result rc = check_elsewhere(s, e);

	if (rc != SINK_DONE || !s->target->swaps ||
	    pg_swap_make_indexes(&s->swap, e) == 0)
		return rc;
	if (s->swap.indexed_first ||
	    !pg_may_blame_record(db_fault(s->db), false)) {
		err_prefix(e, "table %s: the indexes of its new table cannot "
		    "be made", s->target->table->name);
		return SINK_FAILED;
	}
	s->swap.indexed_first = true;
	return SINK_REPEAT;
}

static bool
starts_with_any(const char *state, const char *const *prefix)
{
	for (; *prefix != NULL; prefix++)
		if (strncmp(state, *prefix, strlen(*prefix)) == 0)
			return true;
	return false;
}

bool
pg_may_blame_record(const struct db_fault *f, bool judge_all)
{
	static const char *const never[] = { "08", "53", "57P", NULL };
	static const char *const may_pass[] = { "40001", "40P01", "55P03",
		"57014", NULL };

	if (f->lost || f->sqlstate[0] == '\0' ||
	    starts_with_any(f->sqlstate, never))
		return false;
	return judge_all ? stop_signal() == 0 :
	    !starts_with_any(f->sqlstate, may_pass);
}

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
	    s->session.deadlocked || s->target->mode->history ? "" : "_shared",
	    (long long)s->facts.lock);
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
	if (!first || (s->session.lock_is_stuck && !s->session.deadlocked))
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
	if (!s->session.lock_is_stuck)
		err_warnf("etl-load", "table %s: another session keeps the "
		    "advisory lock %lld, with which loaders of this table wait "
		    "for one another after a deadlock: the load goes on "
		    "without the lock; pg_locks shows the session",
		    s->target->table->name, (long long)s->facts.lock);
	s->session.lock_is_stuck = true;
	return db_script(s->db, "ROLLBACK TO SAVEPOINT etl_lock; "
	    "RELEASE SAVEPOINT etl_lock; SAVEPOINT etl_chunk", e);
}

enum { ONE_BY_ONE = 1, IN_ORDER = 2, TO_ITSELF = 4, JUDGES = 8,
	HAS_DOMAIN = 16 };

static int
read_key_names(struct pg_sink *s, struct db_value *v, struct err *e)
{
	buf_clear(&s->sql);
	put_key_names_json(&s->sql, s->target);
	*v = db_text(buf_text(&s->sql));
	return buf_check(&s->sql, e);
}

/* Reads the traits of the table into s. Sets s->sql to the list of the tables
 * that hold its rows, such as its partitions. */
static int
read_traits(struct pg_sink *s, struct err *e)
{
	struct db_value v[] = { db_text(s->target->table->quoted), { 0 } };
	struct db_value tables;
	struct db_rows *r;
	int64_t deferred, flags;
	int rc;

	if (read_key_names(s, &v[1], e) == -1 ||
	    db_query(s->db, &r, db_sql(s->db, SQL_TABLE_TRAITS), v, 2, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		deferred = db_column(r, 0).i;
		s->mood.deferred = deferred == 2;
		s->facts.elsewhere = deferred == 1;
		s->facts.lock = db_column(r, 1).i;
		flags = db_column(r, 2).i;
		s->facts.one_by_one = flags & ONE_BY_ONE;
		s->facts.in_order = flags & IN_ORDER;
		s->facts.refers_to_itself = flags & TO_ITSELF;
		s->facts.judges_records = flags & JUDGES;
		s->facts.has_domain = flags & HAS_DOMAIN;
		tables = db_column(r, 3);
		buf_clear(&s->sql);
		buf_add(&s->sql, tables.p, tables.len);
	}
	db_end(r);
	return rc == 1 ? 0 : -1;
}

static void
mark_column(struct pg_sink *s, const struct db_value *name, bool unique)
{
	struct pg_facts *f = &s->facts;
	const struct target *t = s->target;

	for (size_t i = 0; i < t->table->n; i++) {
		if (t->is_key[i] ||
		    strlen(t->table->columns[i].name) != name->len ||
		    memcmp(t->table->columns[i].name, name->p, name->len) != 0)
			continue;
		if (unique)
			f->may_be_freed[i] = f->other_unique = true;
		else
			f->judged_by_index[i] = true;
	}
}

static int
mark_indexed(struct pg_sink *s, const char *tables, struct err *e)
{
	struct db_value v = db_text(tables), name;
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, db_sql(s->db, SQL_TABLE_INDEXED_COLUMNS), &v,
		1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		name = db_column(r, 0);
		mark_column(s, &name, db_column(r, 1).i != 0);
	}
	db_end(r);
	return rc;
}

/* True if COPY can set the column to the time of the transaction, or if there
 * is no such column. Date and time types read the word "now" as now(). */
static bool
copy_can_set_time(const struct target *t, int column)
{
	return column == NO_COLUMN ||
	    t->table->columns[column].kind == COLUMN_TIME;
}

/* COPY cannot write directly into the table if
 * - the load has a key that may be in the table, because COPY does not compare
 *   keys;
 * - --touch or --seen sets a column to a time that COPY cannot set;
 * - images are kept: COPY does not return the keys of the rows;
 * - the table has row-level security, which COPY does not support;
 * - the table has triggers that must run after each record; or
 * - it is a view: COPY also counts a row that the view's trigger left out. */
static int
set_straight(struct pg_sink *s, struct err *e)
{
	static const char sql[] =
	    "SELECT pg_catalog.row_security_active($1::text::regclass)::int";
	const struct target *t = s->target;
	struct db_value v = db_text(t->table->quoted);
	struct pg_facts *f = &s->facts;
	int64_t secured = 0;

	if (db_query_int(s->db, sql, &v, 1, 0, &secured, e) == -1)
		return -1;
	f->secured = secured != 0;
	if (t->keeps_images || f->one_by_one || t->table->view)
		return 0;
	f->straight = !secured && !t->mode->keyed && t->touch == NO_COLUMN &&
	    t->seen == NO_COLUMN;
	f->copies_new_keys = !secured && t->mode->splits && !f->in_order &&
	    copy_can_set_time(t, t->touch) && copy_can_set_time(t, t->seen);
	return 0;
}

/* Finds out what the sink must know about the table. */
static int
read_facts(struct pg_sink *s, struct err *e)
{
	const struct target *t = s->target;
	struct pg_facts *f = &s->facts;
	const char *tables;

	f->keyed = t->mode->keyed;
	f->updates = t->mode->updates;
	f->changes = t->mode->changes;
	f->history = t->mode->history;
	f->strict = t->strict;
	f->may_be_freed = calloc(t->table->n + 1, sizeof(*f->may_be_freed));
	f->judged_by_index =
	    calloc(t->table->n + 1, sizeof(*f->judged_by_index));
	if (f->may_be_freed == NULL || f->judged_by_index == NULL)
		return err_nomem(e);
	if (read_traits(s, e) == -1 ||
	    (tables = buf_finish(&s->sql, e)) == NULL ||
	    mark_indexed(s, tables, e) == -1 ||
	    set_straight(s, e) == -1)
		return -1;
	f->fits_script = !t->swaps && !t->mode->changes &&
	    !t->mode->history && !t->keeps_images && t->seen == NO_COLUMN &&
	    !f->one_by_one;
	return 0;
}

/* A table of PostgreSQL has at most 1600 columns (MaxHeapAttributeNumber). The
 * staging table has two columns more than the target table. */
enum { STAGE_COLUMNS_MAX = 1600 - 2 };

static bool
deletes_rows(const struct target *t)
{
	return (t->mode->removes && !t->swaps) || t->mode->deletes;
}

/* Fails if the table has a rule (CREATE RULE) for a statement that the load
 * needs. COPY ignores rules, so PostgreSQL would apply the rule to some rows
 * only. ev_type: 2 is UPDATE, 3 is INSERT, 4 is DELETE. For a load with a key a
 * rule for UPDATE is refused too: PostgreSQL does not support INSERT ... ON
 * CONFLICT on a table with a rule for INSERT or UPDATE. */
static int
check_rules(const struct pg_sink *s, struct err *e)
{
	static const char sql[] = "SELECT rulename, CASE ev_type "
	    "WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END "
	    "FROM pg_catalog.pg_rewrite "
	    "WHERE ev_class = $1::text::regclass::oid AND ev_enabled <> 'D' "
	    "AND (ev_type = '3' OR (ev_type = '2' AND $2::int = 1) "
	    "OR (ev_type = '4' AND $3::int = 1)) ORDER BY rulename";
	const struct target *t = s->target;
	struct db_value v[] = { db_text(t->table->quoted),
		DB_I(t->mode->keyed), DB_I(deletes_rows(t)) };
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, sql, v, 3, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		struct db_value rule = db_column(r, 0), on = db_column(r, 1);

		rc = err_set(e, ERR_CONFIG, false, "table %s has the rule "
		    "\"%.*s\" for %.*s: etl-load cannot load such a table; "
		    "make a trigger in place of the rule", t->table->name,
		    (int)rule.len, rule.p, (int)on.len, on.p);
	}
	db_end(r);
	return rc;
}

/* Finds out if the staging table would have too many columns. Fails if, in
 * addition, COPY cannot write directly into the target table. */
static int
set_too_wide(struct pg_sink *s, struct err *e)
{
	const struct target *t = s->target;
	size_t n = 0;

	for (size_t i = 0; i < t->table->n; i++)
		n += target_loads(t, i);
	s->facts.too_wide = n > STAGE_COLUMNS_MAX;
	if (!s->facts.too_wide || s->facts.straight)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s has %zu columns to "
	    "load: in this load, etl-load needs a temporary table with two "
	    "columns more, and PostgreSQL allows 1600: name at most %d columns "
	    "with --columns", t->table->name, n, STAGE_COLUMNS_MAX);
}

/* COPY needs at least one column. Rejects the records of this shape, which has
 * no columns. */
static int
reject_empty_rows(struct pg_sink *s, const struct shape *shape,
    struct outcome *o, struct err *e)
{
	const struct reject why = { .code = "schema", .message = "PostgreSQL "
	    "cannot COPY a record without members into a table of so many "
	    "columns" };

	for (size_t i = 0; i < s->rows.n; i++) {
		if (s->rows.v[i].shape != shape->id)
			continue;
		s->rows.v[i].done = true;
		if (outcome_add_reject(o, s->rows.v[i].item, &why, e) == -1)
			return -1;
	}
	return 0;
}

/* Copies the rows directly into the table, in pieces, and rejects those that
 * the table refuses. Always returns 1, or -1 with *e. */
static int
copy_wide_rows(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct pg_rows *r = &s->rows;
	uint64_t good = 0;
	int rc = 0;

	r->copied = 0;
	for (size_t i = 0; i < r->nshapes && rc == 0; i++) {
		if (!r->used[i])
			continue;
		if (r->shapes[i]->n == 0)
			rc = reject_empty_rows(s, r->shapes[i], o, e);
		else
			rc = pg_copy_in_pieces(r, r->shapes[i], false, o, e);
	}
	if (rc == -1 || pg_check_deferred(s, e) == -1)
		return -1;
	for (size_t i = 0; i < r->n; i++)
		good += !r->v[i].done;
	o->sums.inserted += (uint64_t)r->copied;
	o->sums.unchanged += good - (uint64_t)r->copied;
	return 1;
}

/* If `lasts` is true, the staging table exists until the end of the session,
 * else until the end of the transaction. */
static int
pg_create_stage(struct pg_sink *s, bool lasts, struct err *e)
{
	buf_clear(&s->sql);
	pg_put_stage_table(&s->sql, s->target, lasts);
	return pg_run_script(s, e);
}

/* TRUNCATE takes some milliseconds, which is longer than merging 100 rows
 * takes. DELETE takes less time, but leaves dead rows, which later scans have
 * to read. So TRUNCATE is used only if the dead rows use more than DEAD_MAX
 * bytes. The space of a row is its bytes plus ROW_COSTS. */
enum { DEAD_MAX = 4 << 20, ROW_COSTS = 512 };

void
pg_note_dead_rows(struct pg_sink *s)
{
	if (!s->session.staged)
		return;
	s->session.staged = false;
	if (s->session.dead > DEAD_MAX)
		s->session.dead = 0;    /* the chunk began with TRUNCATE */
	s->session.dead += s->rows.text.len + s->rows.n * ROW_COSTS;
}

void
pg_put_empty_stage(struct buf *b, struct pg_sink *s)
{
	s->session.staged = true;
	buf_printf(b, "%s " PG_STAGE "%s",
	    s->session.dead <= DEAD_MAX ? "DELETE FROM" : "TRUNCATE",
	    s->target->suffix);
}

int
pg_stage_begin(struct pg_sink *s, struct err *e)
{
	if (!s->session.staging)
		return pg_create_stage(s, false, e) == -1 ? -1 :
		    db_script(s->db, "SAVEPOINT etl_stage", e);
	buf_clear(&s->sql);
	pg_put_empty_stage(&s->sql, s);
	buf_str(&s->sql, "; SAVEPOINT etl_stage");
	return pg_run_script(s, e);
}

int
pg_copy_to_stage(struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc = pg_roll_back(s, o, pg_copy_other_shapes(&s->rows, true, e),
	    "etl_stage", e);

	for (size_t i = 0; i < s->rows.nshapes && rc == 0; i++)
		if (s->rows.used[i])
			rc = pg_copy_in_pieces(&s->rows, s->rows.shapes[i],
			    true, o, e);
	return rc == -1 ? -1 : 0;
}

/* Ends the COPY directly into the table. Returns 1: all rows are in the table;
 * 0: the COPY was rolled back, because the server refused a row or a record has
 * no members; -1 with *e. If the server reports fewer rows than were sent, a
 * trigger has suppressed the others: they count as unchanged. */
static int
finish_copy(struct pg_sink *s, struct outcome *o, const struct chunk_facts *c,
    struct err *e)
{
	struct pg_rows *r = &s->rows;
	int rc;

	if (r->n == 0)
		return 1;
	if (c->has_empty) {
		rc = db_script(s->db, "ROLLBACK TO SAVEPOINT etl_chunk", e);
	} else {
		rc = pg_copy_other_shapes(r, false, e);
		if (rc == 0)
			rc = pg_check_deferred(s, e);
		rc = pg_roll_back(s, o, rc, "etl_chunk", e);
	}
	if (rc == 1) {
		o->sums.inserted += (uint64_t)r->copied;
		o->sums.unchanged += r->n - (uint64_t)r->copied;
		s->mood.all_new = true;
		s->mood.mostly_unchanged = false;
	} else if (rc == 0) {
		r->first = NULL;
		r->failed = false;
		if (!s->facts.straight)
			pause_begin(&s->mood.pause);
	}
	return rc;
}

/* Copies the rows to the staging table, and prepares the merge. Returns 1: the
 * server has refused all rows, and none is left; 0: staged; -1 with *e. */
static int
stage_rows(struct pg_sink *s, struct outcome *o, struct chunk_facts *c,
    struct err *e)
{
	if ((c->state != CHUNK_STAGING && pg_stage_begin(s, e) == -1) ||
	    pg_copy_to_stage(s, o, e) == -1)
		return -1;
	c->state = CHUNK_STAGED;
	pg_chunk_note_rows(s, c);
	if (c->staged == 0)
		return 1;
	return pg_images_store(s, e) == -1 ||
	    pg_analyze_stage(s, c, e) == -1 ? -1 : 0;
}

/* Merging one row alone, and starting another COPY after it, takes about as
 * long as copying some thousands of rows. So the search merges at most FEW rows
 * alone, and one more for each JUDGING_COSTS other rows. If the server refuses
 * more rows, all remaining rows are merged together.
 * If a COPY fails, the server has stored none of its rows. So each COPY has
 * only one of PARTS parts of the chunk. If a COPY fails and the server names no
 * line, the next COPY has only one of NARROWING parts of these rows. */
enum { PARTS = 8, NARROWING = 16, JUDGING_COSTS = 4096, FEW = 2 };

/* The search for refused rows of one shape. For most errors the server names
 * the line of the COPY that it has refused. It names no line if it finds the
 * error at the end of the statement: an error of a foreign key, for example. */
struct search {
	struct pg_sink *s;
	struct outcome *o;
	const struct shape *shape;
	size_t from;            /* the rows before this one are done */
	size_t size;            /* rows that the next COPY takes */
	size_t fence;           /* end of these rows: after a refusal, one
	                         * of from..fence-1 was refused */
	size_t done, judged;    /* rows of all shapes; judged: merged alone */
	bool staging;           /* the staging table exists */
};

/* Tries one way after the other, until the selected rows are loaded. Sets *way
 * to the last one. */
static int load_rows(struct pg_sink *s, struct outcome *o,
    struct chunk_facts *c, enum pg_way *way, struct err *e);

/* Copies the selected rows to the staging table, merges them and empties the
 * staging table. */
static int
merge_selected(struct search *f, struct err *e)
{
	struct chunk_facts c = { .state = CHUNK_STAGING,
		.judge_all = f->o->judge_all,
		.notes_keys = f->s->batch.notes_keys };
	struct pg_sink *s = f->s;
	enum pg_way way;

	if (!f->staging && pg_create_stage(s, false, e) == -1)
		return -1;
	f->staging = true;
	if (db_script(s->db, "SAVEPOINT etl_stage", e) == -1 ||
	    load_rows(s, f->o, &c, &way, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "RELEASE SAVEPOINT etl_stage; "
	    "DELETE FROM " PG_STAGE "%s", s->target->suffix);
	return pg_run_script(s, e);
}

/* Merges row i alone, and rejects its record if the server refuses the row
 * again. Only a refusal without other rows shows that this record is the
 * cause. */
static int
merge_alone(struct search *f, size_t row, struct err *e)
{
	struct pg_rows *r = &f->s->rows;
	int rc;

	pg_rows_select(r, row, row + 1);
	rc = merge_selected(f, e);
	r->v[row].done = true;
	pg_rows_select(r, 0, r->n);
	f->from = f->fence = row + 1;
	f->done++;
	f->judged++;
	return rc;
}

/* Marks the rows before row `to` as done. COPY has stored `copied` of them. A
 * trigger has suppressed the others: they count as unchanged. */
static void
mark_copied(struct search *f, size_t to, int64_t copied)
{
	struct pg_row *v = f->s->rows.v;
	size_t n = 0;

	for (; f->from < to; f->from++)
		if (v[f->from].shape == f->shape->id && !v[f->from].done) {
			v[f->from].done = true;
			n++;
		}
	f->done += n;
	f->o->sums.inserted += (uint64_t)copied;
	f->o->sums.unchanged += n - (uint64_t)copied;
}

/* Called after the server has refused a COPY of rows before row `to`. Rolls it
 * back. If only one row can be the cause, merges this row alone. Otherwise the
 * next COPY gets fewer rows. */
static int
narrow_search(struct search *f, size_t to, struct err *e)
{
	struct pg_rows *r = &f->s->rows;
	int64_t line = db_fault(f->s->db)->line;
	size_t suspect =
	    pg_find_copy_row(r, f->shape, f->from, line > 0 ? line : 1);

	if (db_script(f->s->db, PG_UNDO_PIECE, e) == -1)
		return -1;
	if (f->size == 1 || (line == 1 && suspect + 1 == f->fence))
		return merge_alone(f, suspect, e);
	f->fence = line > 0 ? suspect + 1 : to > f->from ? to : r->n;
	f->size = line > 1 ? (size_t)line - 1 : line == 1 ? 1 :
	    (f->size + NARROWING - 1) / NARROWING;
	return 0;
}

/* If the server refuses a row, narrows the search for it. */
static int
copy_next_rows(struct search *f, struct err *e)
{
	struct pg_rows *r = &f->s->rows;
	int64_t before = r->copied;
	size_t at = f->from;
	int rc;

	if (stop_signal() != 0)
		return err_set(e, ERR_RETRY, false, "stopped by a signal");
	if (f->from >= f->fence) {
		f->size = (r->n + PARTS - 1) / PARTS;
		f->fence = r->n;
	}
	r->to = f->fence;
	rc = pg_try_copy(r, f->shape, false, &at, f->size, e);
	r->to = r->n;
	if (rc == 0)
		return narrow_search(f, at, e);
	if (rc == 1)
		mark_copied(f, at, r->copied - before);
	return rc == -1 ? -1 : 0;
}

static bool
too_many_alone(const struct search *f)
{
	return f->judged > FEW && (f->judged - FEW) * JUDGING_COSTS > f->done;
}

/* Called after a COPY directly into the table was rolled back. Copies the rows
 * again, except for those that the server refuses. Each refused row is merged
 * alone, which rejects it. If there are many, merges all rows that are left.
 * Always returns 1, or -1 with *e. */
static int
copy_around(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct search f = { .s = s, .o = o };
	struct pg_rows *r = &s->rows;

	for (size_t i = 0; i < r->nshapes; i++) {
		f.shape = r->shapes[i];
		f.from = f.fence = r->used[i] ? 0 : r->n;
		while (f.from < r->n && !too_many_alone(&f))
			if (copy_next_rows(&f, e) == -1)
				return -1;
	}
	pg_rows_select(r, 0, r->n);
	return f.done < r->n && merge_selected(&f, e) == -1 ? -1 : 1;
}

/* Called after a chunk was merged. */
static int
note_merged(struct pg_sink *s, enum pg_way way, bool superseded, struct err *e)
{
	pg_mood_note_keys(&s->mood, superseded);
	return way == PG_SCRIPT ? 0 :
	    pg_written_note(s, way == PG_MERGE_SINGLY, e);
}

/* Does what the way says. Returns 1: the rows are loaded; 0: not yet; -1 with
 * *e. */
static int
go_way(struct pg_sink *s, struct outcome *o, enum pg_way way,
    struct chunk_facts *c, struct err *e)
{
	switch (way) {
	case PG_COPY:
		return finish_copy(s, o, c, e);
	case PG_COPY_AROUND:
		return copy_around(s, o, e);
	case PG_COPY_WIDE:
		return copy_wide_rows(s, o, e);
	case PG_SCRIPT:
		return pg_merge_by_script(s, o, c, e);
	case PG_MERGE_SHAPES:
	case PG_MERGE_LAST:
	case PG_MERGE_ROUNDS:
		return pg_merge(s, o, way, c, e);
	case PG_MERGE_SINGLY:
		return pg_merge_singly(s, o, c, e);
	case PG_COUNT_KEYS:
		if (pg_count_keys(s, c, e) == -1)
			return -1;
		s->mood.twice |= (uint64_t)c->keys < c->staged;
		return 0;
	case PG_COUNT_MOST:
		return pg_count_most(s, c, e);
	default:
		return stage_rows(s, o, c, e);
	}
}

static int
load_rows(struct pg_sink *s, struct outcome *o, struct chunk_facts *c,
    enum pg_way *way, struct err *e)
{
	uint64_t before = o->sums.superseded;
	int rc;

	do {
		*way = pg_choose_way(&s->facts, &s->mood, c);
		rc = go_way(s, o, *way, c, e);
		c->tried |= 1U << *way;
	} while (rc == 0);
	if (rc == -1)
		return -1;
	if (*way != PG_SCRIPT && (c->state != CHUNK_STAGED || c->staged == 0))
		return 0;
	return note_merged(s, *way, o->sums.superseded > before, e);
}

enum { MANY = 1000 };   /* joins of fewer rows are fast with any plan */

int
pg_analyze_stage(struct pg_sink *s, const struct chunk_facts *c, struct err *e)
{
	const struct target *t = s->target;
	char sql[96];

	if (s->rows.n < MANY || (!t->mode->history && !t->mode->changes &&
	    t->seen == NO_COLUMN && t->newer_by == NO_COLUMN &&
	    !c->updates_first))
		return 0;
	(void)snprintf(sql, sizeof(sql), "ANALYZE " PG_STAGE
	    "%s (\"etl.n\", \"etl.s\")", t->suffix);
	return db_script(s->db, sql, e);
}

static void
put_end(struct buf *b)
{
	buf_str(b, ";\n");
}

static void
put_changes(struct buf *b, const struct target *t, const struct shape *s)
{
	const struct pg_round first = { .number = 1, .alone = true };

	buf_str(b, "-- inserts and updates, then deletes:\n");
	pg_put_upsert_round(b, t, s, &first, shape_lacks_column(t, s, true));
	put_end(b);
	pg_put_delete_round(b, t, &first);
	put_end(b);
}

static void
put_history(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_str(b, "-- compares each record with the current row:\n");
	pg_put_plan_table(b, t);
	put_end(b);
	pg_put_plan_round(b, t, s, 1);
	put_end(b);
	buf_str(b, "-- new keys, changed rows, and rows of the same time:\n");
	pg_put_insert_planned(b, t, s, false);
	put_end(b);
	pg_put_end_planned(b, t, s, false);
	put_end(b);
	pg_put_correct(b, t, s, false);
	put_end(b);
}

static void
put_merge(struct buf *b, const struct target *t, const struct shape *s)
{
	if (t->mode->changes) {
		put_changes(b, t, s);
		return;
	}
	if (t->mode->history) {
		put_history(b, t, s);
		return;
	}
	pg_put_merge(b, t, s, true,
	    t->mode->keyed ? PG_ROWS_BY_KEY : PG_ROWS_IN_ORDER,
	    t->mode->keyed && shape_lacks_column(t, s, true));
	put_end(b);
	if (t->mode->updates && t->seen != NO_COLUMN) {
		pg_put_seen(b, t);
		put_end(b);
	}
}

static void
put_old_rows(struct buf *b, const struct target *t)
{
	if (t->swaps) {
		buf_str(b, "-- a new table of the same shape takes the place "
		    "of this one at the end\n");
	} else if (t->truncates) {
		buf_printf(b, "TRUNCATE ONLY %s;\n", t->table->quoted);
	} else if (t->mode->replaces) {
		buf_printf(b, "DELETE FROM %s;\n", t->table->quoted);
	} else if (t->mode->by_scope) {
		buf_str(b, "-- first deletes the rows of each scope that a "
		    "record names\n");
	} else if (t->parent != NULL) {
		buf_str(b, "-- first deletes the rows that have the key of a "
		    "record\n");
	}
}

void
pg_put_load(struct buf *b, const struct target *t, const struct shape *s)
{
	bool straight = !t->mode->keyed && t->touch == NO_COLUMN &&
	    t->seen == NO_COLUMN;

	put_old_rows(b, t);
	if (straight) {
		buf_str(b, "-- by way of a temporary table if triggers or row "
		    "policies need it\n");
	} else {
		pg_put_stage_table(b, t, true);
		put_end(b);
	}
	pg_put_copy(b, t, s, !straight);
	put_end(b);
	if (!straight)
		put_merge(b, t, s);
	if (t->mode->mirrors)
		buf_printf(b, "-- at the end %s the rows whose keys did not "
		    "come\n", t->mode->history ? "ends" :
		    t->soft_delete != NO_COLUMN ? "marks" : "deletes");
}

static void
put_delete_all(struct buf *b, const struct target *t)
{
	buf_printf(b, "DELETE FROM %s", t->table->quoted);
}

static void
put_count_all(struct buf *b, const struct target *t)
{
	buf_printf(b, "SELECT pg_catalog.count(*) FROM %s", t->table->quoted);
}

/* TRUNCATE does not say how many rows it deletes, so the rows are counted
 * before. The lock, which TRUNCATE needs too, keeps other sessions from adding
 * rows in between. They cannot read the table until the commit. */
static int
truncate_table(struct pg_sink *s, int64_t *deleted, struct err *e)
{
	const char *table = s->target->table->quoted;

	buf_clear(&s->sql);
	buf_printf(&s->sql, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", table);
	if (pg_run_script(s, e) == -1 ||
	    pg_run_count(s, put_count_all, deleted, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "TRUNCATE %s", table);
	return pg_run_script(s, e);
}

/* Deletes all rows of the table, by TRUNCATE or DELETE, and adds their number
 * to *removed. */
static int
pg_empty_table(struct pg_sink *s, uint64_t *removed, struct err *e)
{
	int64_t deleted = 0;

	if (s->target->truncates) {
		if (truncate_table(s, &deleted, e) == -1)
			return -1;
	} else {
		buf_clear(&s->sql);
		put_delete_all(&s->sql, s->target);
		if (pg_run_statement(s, &deleted, e) == -1)
			return -1;
	}
	*removed += (uint64_t)deleted;
	return 0;
}

static int
check_truncate_right(struct pg_sink *s, struct err *e)
{
	struct db_value v = db_text(s->target->table->quoted);
	int64_t may;

	if (db_query_int(s->db, db_sql(s->db, SQL_TABLE_HAS_TRUNCATE_RIGHT), &v,
	    1, 0, &may, e) == -1)
		return -1;
	if (may)
		return 0;
	return err_set(e, ERR_DENIED, false, "table %s: permission denied for "
	    "TRUNCATE: the owner of the table can GRANT TRUNCATE, or use "
	    "--replace-by delete", s->target->table->name);
}

/* Fails if row-level security hides rows from this role: TRUNCATE would delete
 * these rows too, without counting them. */
static int
check_hidden_rows(struct pg_sink *s, struct err *e)
{
	struct db_value v = db_text(s->target->table->quoted);
	int64_t hides;

	if (db_query_int(s->db, db_sql(s->db, SQL_TABLE_HIDES_ROWS), &v, 1, 0,
	    &hides, e) == -1)
		return -1;
	if (!hides)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: --replace-by truncate "
	    "would also delete rows that row policies hide from this role: "
	    "load as the owner of the table, or use --replace-by delete, which "
	    "leaves these rows", s->target->table->name);
}

/* Fails if the role may not empty the table. */
static int
pg_check_empty(struct pg_sink *s, struct err *e)
{
	if (s->target->truncates)
		return check_truncate_right(s, e) == -1 ? -1 :
		    check_hidden_rows(s, e);
	buf_clear(&s->sql);
	buf_str(&s->sql, "EXPLAIN ");
	put_delete_all(&s->sql, s->target);
	if (pg_run_script(s, e) == 0)
		return 0;
	err_prefix(e, "table %s", s->target->table->name);
	return -1;
}

/* Several connections may load the table only if no record can see what another
 * one has written. Checks what the catalog says about this. A collation in
 * which different texts are equal is a reason against it, because records with
 * equal keys must go to the same connection, and their bytes decide this. */
static int
read_why_not_split(struct pg_sink *s, const char **why, struct err *e)
{
	static const char sql[] =
	    "SELECT CASE WHEN k.relkind NOT IN ('r', 'p') THEN 1 "
	    "WHEN k.relpersistence = 't' THEN 2 "
	    "WHEN EXISTS (SELECT FROM pg_catalog.pg_index AS i "
	    "JOIN pg_catalog.pg_collation AS l "
	    "ON l.oid = ANY (i.indcollation::oid[]) "
	    "WHERE i.indrelid = k.oid AND i.indisunique "
	    "AND NOT l.collisdeterministic) THEN 3 ELSE 0 END "
	    "FROM pg_catalog.pg_class AS k "
	    "WHERE k.oid = $1::text::regclass::oid";
	static const char *const reasons[] = { NULL,
		"it is no ordinary table",
		"only one session can see a temporary table",
		"a unique index has a collation in which different texts are "
		"equal" };
	struct db_value v = db_text(s->target->table->quoted);
	int64_t n;

	if (db_query_int(s->db, sql, &v, 1, 0, &n, e) == -1)
		return -1;
	*why = reasons[n];
	return 0;
}

/* Returns true if records set a column that another unique index than that of
 * the key has. */
static bool
loads_other_unique(const struct pg_sink *s)
{
	for (size_t i = 0; i < s->target->table->n; i++)
		if (s->facts.may_be_freed[i] && target_loads(s->target, i))
			return true;
	return false;
}

static int
why_not_split(void *self, const char **why, struct err *e)
{
	struct pg_sink *s = self;

	*why = NULL;
	if (s->facts.one_by_one || s->facts.in_order)
		*why = "a trigger FOR EACH ROW, or an index with a predicate "
		    "or an expression, can make the order of records matter";
	else if (s->facts.refers_to_itself)
		*why = "it has a foreign key to itself, so a record may need "
		    "the row of a record before it";
	else if (loads_other_unique(s))
		*why = "it has another unique index than that of the key, so "
		    "a record may take a value that a record before it gives "
		    "up";
	return *why != NULL ? 0 : read_why_not_split(s, why, e);
}

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
	free(s->facts.may_be_freed);
	free(s->facts.judged_by_index);
	free(s);
}

/* Fails if the table has a column whose name begins with "etl.". The statements
 * of pg_sql.c and pg_judge.c use such names for their own columns and
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
	return !s->facts.straight && !db_is_pooled(s->db);
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
	s->mood.pause = (struct doubling_pause){ .least = 4, .most = 256 };
	buf_init(&s->sql, SIZE_MAX / 2);
	*self = s;
	if (check_column_names(s, e) == -1 ||
	    (t->newer_by != NO_COLUMN &&
	    pg_check_newer_by(db, t, e) == -1) ||
	    read_facts(s, e) == -1 ||
	    check_rules(s, e) == -1 ||
	    set_too_wide(s, e) == -1 ||
	    (stays_in_session(s) && pg_create_stage(s, true, e) == -1) ||
	    (t->swaps && open_swap(s, e) == -1)) {
		pg_sink_close(s);
		*self = NULL;
		return -1;
	}
	s->session.staging = stays_in_session(s);
	return 0;
}

/* Makes the rows of the chunk for the way that was chosen first. Unless the way
 * is PG_SCRIPT, the rows of the first shape are copied while they are made. */
static int
make_rows(struct pg_sink *s, struct outcome *o, enum pg_way way,
    struct chunk_facts *c, struct err *e)
{
	int rc;

	if (way == PG_TO_STAGE && pg_stage_begin(s, e) == -1)
		return -1;
	rc = way == PG_SCRIPT ? pg_rows_make(&s->rows, o, e) :
	    pg_rows_copy(&s->rows, o, way == PG_TO_STAGE, e);
	if (rc == -1)
		return -1;
	c->state = way == PG_SCRIPT ? CHUNK_MADE :
	    way == PG_COPY ? CHUNK_SENT : CHUNK_STAGING;
	pg_chunk_note_rows(s, c);
	return 0;
}

static int
load_chunk(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct chunk_facts c = { .state = CHUNK_READ,
		.records = o->chunk->n, .bytes = o->chunk->data.len,
		.judge_all = o->judge_all, .notes_keys = s->batch.notes_keys,
		.stage_lasts = s->session.staging };
	enum pg_way way = pg_choose_way(&s->facts, &s->mood, &c);

	pg_mood_use(&s->mood, &s->facts, &c);
	if (pg_chunk_begin(s, !o->begun, e) == -1 ||
	    make_rows(s, o, way, &c, e) == -1 ||
	    load_rows(s, o, &c, &way, e) == -1)
		return -1;
	/* The script has released the savepoint. */
	return way == PG_SCRIPT ? 0 :
	    db_script(s->db, "RELEASE SAVEPOINT etl_chunk", e);
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
	rc = load_chunk(s, o, e);
	if (rc == -1)
		prefix_lines(s, o, e);
	s->session.deadlocked = rc == -1 &&
	    strcmp(db_fault(s->db)->sqlstate, "40P01") == 0;
	pg_note_dead_rows(s);
	if (s->rows.text.len > SPOOL_LARGE)
		buf_release(&s->rows.text);
	if (s->rows.scratch.cap > SPOOL_LARGE)
		buf_release(&s->rows.scratch);
	return rc == -1 ? SINK_FAILED : SINK_DONE;
}

static void
pg_sink_reset(void *self)
{
	struct pg_sink *s = self;

	s->session.staging = false;
	s->scopes.tuples.there = false;
	s->mirror.rejected.there = false;
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

const struct sink sink_pg = {
    .kind = DB_POSTGRESQL,
    .open = pg_sink_open,
    .apply = pg_sink_apply,
    .settle = pg_sink_settle,
    .reset = pg_sink_reset,
    .close = pg_sink_close,
    .why_not_split = why_not_split,
    .check_empty = pg_sink_check_empty,
    .empty = pg_sink_empty,
    .swap = pg_sink_swap,
    .scopes = &pg_scopes_calls,
    .written = &pg_written,
    .images = &pg_images,
    .late = &pg_late,
    .mirror = &pg_mirror_calls,
};
