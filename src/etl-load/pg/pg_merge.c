#include "pg/pg_sink.h"

#include "pg/pg_change_sql.h"
#include "pg/pg_inserted_keys.h"
#include "pg/pg_newer.h"
#include "pg/pg_skip_unchanged.h"
#include "pg/pg_sql.h"
#include "table/columns_sql.h"

#include <string.h>

/* The SQLSTATE of an INSERT ... ON CONFLICT that would update a row twice. */
#define EQUAL_KEYS "21000"

/* True if the statement may leave out staged rows that equal their row in the
 * table. The keys must be distinct, because a later record of the same key may
 * depend on the row. Such rows are not locked, so another session could change
 * them before the commit: --expect does not allow this. */
static bool
may_skip_unchanged(const struct pg_sink *s)
{
	return s->mostly_unchanged && s->target->mode->updates &&
	    s->rows.order.distinct && !s->judges_records && !s->has_domain &&
	    !s->notes_keys && !s->target->keeps_images &&
	    pg_count_shapes(s) == 1 && pg_accepts_equal(s->target,
	    pg_first_shape(s));
}

/* If the records came in the order of the key, the staging table has its rows
 * in this order, or nearly so. Then the statement does not sort them. */
enum pg_rows_taken
pg_choose_rows(const struct pg_sink *s)
{
	const struct load_mode *mode = s->target->mode;
	const struct key_order *order = &s->rows.order;

	if (!mode->keyed || pg_order_matters(s))
		return PG_ROWS_IN_ORDER;
	if (may_skip_unchanged(s))
		return PG_ROWS_CHANGED;
	return order->ascending && (order->distinct || mode->updates) ?
	    PG_ROWS_UNSORTED : PG_ROWS_BY_KEY;
}

static int
merge_shape(struct pg_sink *s, const struct shape *shape, struct sums *sums,
    struct err *e)
{
	buf_clear(&s->sql);
	pg_put_merge(&s->sql, s->target, shape, pg_count_shapes(s) == 1,
	    pg_choose_rows(s), pg_shape_updates_first(s, shape));
	return pg_run_merge(s, sums, e);
}

/* Appends a query that counts keys of the staging table. A key counts if its
 * row in the target is newer than all its staged rows. */
static void
put_count_older(struct buf *b, const struct target *t)
{
	buf_str(b, "SELECT pg_catalog.count(*) FROM (SELECT DISTINCT ON (");
	sql_put_key(b, t);
	buf_printf(b, ") * FROM " PG_STAGE "%s ORDER BY ", t->suffix);
	sql_put_key(b, t);
	buf_printf(b, ", %s DESC) AS w JOIN %s AS \"etl.t\" ON ",
	    t->table->columns[t->newer_by].quoted, t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "w");
	buf_str(b, " WHERE ");
	pg_put_is_newer(b, t, "\"etl.t\"", "w");
}

/* With --newer-by, unchanged records whose row is newer count as skipped. The
 * query may count too many: a trigger may have made a row newer after this
 * chunk has updated it. */
static int
count_older(struct pg_sink *s, struct sums *sums, struct err *e)
{
	int64_t older;
	uint64_t n;

	if (s->target->newer_by == NO_COLUMN || sums->unchanged == 0)
		return 0;
	if (pg_run_count(s, put_count_older, &older, e) == -1)
		return -1;
	n = (uint64_t)older < sums->unchanged ? (uint64_t)older :
	    sums->unchanged;
	sums->skipped += n;
	sums->unchanged -= n;
	return 0;
}

/* Counts the staged rows that the merge has neither inserted nor updated. A row
 * is superseded if a later row has the same key, else unchanged. With --mode
 * ignore all these rows count as skipped. `staged` is the number of rows in the
 * staging table. */
static int
count_others(struct pg_sink *s, uint64_t staged, struct sums *sums,
    struct err *e)
{
	uint64_t done = sums->inserted + sums->updated;
	int64_t keys = (int64_t)staged;

	s->mostly_unchanged = done < staged / 2;
	s->new_keys.all_new = sums->inserted == staged;
	if (s->target->mode->changes)
		return 0;   /* pg_merge_changes() counts */
	if (s->target->mode->skips) {
		sums->skipped = staged - done;
		return 0;
	}
	if (done == staged)
		return 0;
	if (s->target->mode->updates &&
	    pg_count_keys(s, staged, &keys, e) == -1)
		return -1;
	sums->superseded = staged - (uint64_t)keys;
	sums->unchanged = (uint64_t)keys - done;
	return count_older(s, sums, e);
}

/* A function of this type merges the staged rows, and adds the rows that it has
 * inserted and updated to *sums. Returns 1: merged; 0: it cannot merge these
 * rows; -1 with *e. */
typedef int merge_function(
    struct pg_sink *s, struct sums *sums, struct err *e);

static int
merge_shapes(struct pg_sink *s, struct sums *sums, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] && merge_shape(s, s->rows.shapes[i], sums,
		    e) == -1)
			return -1;
	return 1;
}

/* Merges the rows by merge(), counts all of them and checks the deferred
 * constraints. Returns as merge(). */
static int
merge_staged(struct pg_sink *s, merge_function *merge, uint64_t staged,
    struct sums *sums, struct err *e)
{
	int rc = merge(s, sums, e);

	if (rc != 1)
		return rc;
	if (count_others(s, staged, sums, e) == -1)
		return -1;
	if (s->target->mode->updates && s->target->seen != NO_COLUMN &&
	    sums->unchanged + sums->skipped > 0) {
		buf_clear(&s->sql);
		pg_put_seen(&s->sql, s->target);
		if (pg_run_statement(s, NULL, e) == -1)
			return -1;
	}
	return pg_check_deferred(s, e) == -1 ? -1 : 1;
}

static bool
may_merge_many(const struct pg_sink *s)
{
	return !s->one_by_one &&
	    (!s->twice || s->rows.order.distinct || !s->target->mode->updates);
}

bool
pg_may_merge_at_once(const struct pg_sink *s)
{
	return pg_count_shapes(s) == 1 && may_merge_many(s) &&
	    (!pg_chunk_updates_first(s) || (!pg_order_matters(s) &&
	    (s->rows.order.distinct || !s->target->mode->updates)));
}

/* Sets *may to true if one statement for each shape (set of columns) gives the
 * same result as merging the rows one by one. It does not in three cases: the
 * table has triggers that run only after the whole statement; equal keys are
 * expected, and one statement cannot update a row twice; or there are several
 * shapes, or updates before inserts, and the order of the rows matters. */
static int
may_merge_by_shape(
    struct pg_sink *s, uint64_t staged, bool *may, struct err *e)
{
	int64_t keys = 0;

	*may = pg_may_merge_at_once(s);
	if (*may || (pg_count_shapes(s) == 1 && !pg_chunk_updates_first(s)))
		return 0;
	*may = may_merge_many(s) && !pg_order_matters(s);
	if (!*may || !s->target->mode->keyed)
		return 0;
	if (pg_count_keys(s, staged, &keys, e) == -1)
		return -1;
	*may = (uint64_t)keys == staged;
	if (!*may)
		s->twice = true;
	return 0;
}

/* Called after each chunk. After 16 chunks in succession without equal keys,
 * the sink no longer expects equal keys. */
static void
note_quiet(struct pg_sink *s, bool superseded)
{
	enum { QUIET_MAX = 16 };

	s->quiet = superseded ? 0 : s->quiet + 1;
	if (s->quiet >= QUIET_MAX)
		s->twice = false;
}

int
pg_roll_back_merge(struct pg_sink *s, const struct outcome *o,
    const char *savepoint, struct err *e)
{
	if (strcmp(db_fault(s->db)->sqlstate, EQUAL_KEYS) == 0)
		s->twice = true;
	return pg_roll_back(s, o, -1, savepoint, e);
}

static void
add_outcomes(struct outcome *o, const struct sums *sums)
{
	o->sums.inserted += sums->inserted;
	o->sums.updated += sums->updated;
	o->sums.unchanged += sums->unchanged;
	o->sums.superseded += sums->superseded;
	o->sums.skipped += sums->skipped;
	o->sums.deleted += sums->deleted;
	o->sums.missed += sums->missed;
}

int
pg_count_merged(struct pg_sink *s, struct outcome *o, struct sums *sums,
    struct err *e)
{
	if (count_others(s, s->rows.n, sums, e) == -1)
		return -1;
	add_outcomes(o, sums);
	note_quiet(s, sums->superseded > 0);
	return 0;
}

/* Merges the staged rows by merge(). Returns 1: merged; 0: not merged, because
 * merge() cannot merge these rows, or the server has refused a row or found
 * equal keys, and the merge was rolled back; -1 with *e. */
static int
try_merge(struct pg_sink *s, merge_function *merge, struct outcome *o,
    uint64_t staged, struct err *e)
{
	struct sums sums = { 0 };
	int rc;

	if (db_script(s->db, "SAVEPOINT etl_merge", e) == -1)
		return -1;
	rc = merge_staged(s, merge, staged, &sums, e);
	if (rc == -1)
		rc = pg_roll_back_merge(s, o, "etl_merge", e);
	if (rc == 1)
		add_outcomes(o, &sums);
	return rc;
}

/* Returns 1: merged; 0: the rows must be merged one by one; -1 with *e. Merges
 * the rows by a few statements, each for many rows. */
static int
merge_in_sets(struct pg_sink *s, struct outcome *o, uint64_t staged,
    struct err *e)
{
	bool may;
	int rc = 0;

	if (s->target->mode->changes)
		return pg_may_merge_changes(s) ? try_merge(s, pg_merge_changes,
		    o, staged, e) : 0;
	if (s->target->mode->history)
		return pg_may_merge_history(s, o, &may, e) == -1 ? -1 :
		    may ? try_merge(
		    s, pg_merge_history, o, staged, e) : 0;
	if (may_merge_by_shape(s, staged, &may, e) == -1)
		return -1;
	if (may)
		rc = try_merge(s, merge_shapes, o, staged, e);
	if (rc == 0 && pg_may_merge_rounds(s))
		rc = try_merge(s, pg_merge_rounds, o, staged, e);
	return rc;
}

int
pg_merge_chunk(struct pg_sink *s, struct outcome *o, struct err *e)
{
	uint64_t staged = 0, before = o->sums.superseded;
	bool one_by_one;
	int rc;

	for (size_t i = s->rows.from; i < s->rows.to; i++)
		staged += !s->rows.v[i].done;
	if (staged == 0)
		return 0;
	if (pg_images_store(s, e) == -1 || pg_analyze_stage(s, e) == -1)
		return -1;
	rc = merge_in_sets(s, o, staged, e);
	one_by_one = rc == 0;
	if (one_by_one)
		rc = pg_merge_singly(s, o, staged, e);
	if (rc != -1)
		rc = pg_written_note(s, one_by_one, e);
	note_quiet(s, o->sums.superseded > before);
	return rc == -1 ? -1 : 0;
}
