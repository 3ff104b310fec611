#include "pg/pg_sink.h"

#include "pg/pg_sql.h"
#include "table/columns_sql.h"

#include <string.h>

static size_t
count_used_shapes(const struct pg_sink *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rows.nshapes; i++)
		n += s->rows.used[i];
	return n;
}

/* Chooses how the merge of the staging table (a temporary table with the new
 * rows) into the target table treats new rows with equal keys. Sorting them, to
 * keep one row of each key, makes the merge take 10% longer. So an upsert sorts
 * only after the server has reported equal keys (SQLSTATE 21000), or if the
 * merge can change no column, because the server reports no equal keys then.
 * `alone` is true if all rows have the same shape (set of columns); if not,
 * equal keys were deleted before. */
static enum pg_keys
choose_key_treatment(
    const struct pg_sink *s, const struct shape *shape, bool alone)
{
	if (!s->target->keyed || !alone)
		return PG_KEYS_NONE;
	if (s->target->mode == LOAD_IGNORE)
		return s->twice ? PG_KEYS_TWICE : PG_KEYS_NONE;
	return s->twice || !shape_can_change_row(s->target, shape) ?
	    PG_KEYS_TWICE : PG_KEYS_UNIQUE;
}

static int
merge_shape_and_count(struct pg_sink *s, const struct shape *shape, bool alone,
    struct sums *sums, struct err *e)
{
	struct db_rows *r = NULL;
	const char *t;
	int rc = -1;

	buf_clear(&s->sql);
	pg_put_merge_statement(
	    &s->sql, s->target, shape, choose_key_treatment(s, shape, alone));
	if ((t = pg_get_sql_text(s, e)) == NULL ||
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

/* put() appends the text of a query that returns one number. Runs this query
 * and sets *n to the number. */
static int
run_count_query(struct pg_sink *s,
    void (*put)(struct buf *, const struct target *), int64_t *n, struct err *e)
{
	const char *t;

	buf_clear(&s->sql);
	put(&s->sql, s->target);
	return (t = pg_get_sql_text(s, e)) == NULL ? -1 :
	    db_int(s->db, t, NULL, 0, 0, n, e);
}

/* put() appends the text of an UPDATE or DELETE. Runs this statement and sets
 * *n to the number of rows that it changed. */
static int
run_change(struct pg_sink *s, void (*put)(struct buf *, const struct target *),
    int64_t *n, struct err *e)
{
	const char *t;

	buf_clear(&s->sql);
	put(&s->sql, s->target);
	return (t = pg_get_sql_text(s, e)) == NULL ? -1 :
	    db_run(s->db, t, NULL, 0, n, e);
}

/* `staged` is the number of rows in the staging table. Counts those rows that
 * the merge has neither inserted nor updated: a row is superseded if a later
 * row has the same key, else unchanged. With --mode ignore all these rows are
 * counted as skipped. */
static int
count_unchanged_superseded_skipped(struct pg_sink *s, bool alone,
    uint64_t staged, struct sums *sums, struct err *e)
{
	uint64_t done = sums->inserted + sums->updated;
	int64_t keys = (int64_t)(staged - sums->superseded);

	if (s->target->mode == LOAD_IGNORE) {
		sums->superseded = 0;
		sums->skipped = staged - done;
		return 0;
	}
	if (done + sums->superseded == staged)
		return 0;
	if (s->target->upsert && alone &&
	    run_count_query(s, pg_put_count_keys, &keys, e) == -1)
		return -1;
	sums->superseded = staged - (uint64_t)keys;
	sums->unchanged = (uint64_t)keys - done;
	return 0;
}

static int
merge_shapes_count_and_check_deferred(
    struct pg_sink *s, uint64_t staged, struct sums *sums, struct err *e)
{
	bool alone = count_used_shapes(s) == 1;
	int64_t n = 0;

	if (s->target->keyed && !alone) {
		if (run_change(s, pg_put_delete_equal_keys, &n, e) == -1)
			return -1;
		sums->superseded = (uint64_t)n;
	}
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] &&
		    merge_shape_and_count(
			s, s->rows.shapes[i], alone, sums, e) == -1)
			return -1;
	if (count_unchanged_superseded_skipped(s, alone, staged, sums, e) == -1)
		return -1;
	if (s->target->upsert && s->target->seen != NO_COLUMN &&
	    sums->unchanged > 0 &&
	    run_change(s, pg_put_update_seen, &n, e) == -1)
		return -1;
	return pg_check_deferred_constraints(s, e);
}

static void
copy_truncated_text(char *to, size_t size, struct db_value v)
{
	size_t n = v.len < size ? v.len : size - 1;

	if (n > 0)
		memcpy(to, v.p, n);
	to[n] = '\0';
}

/* Handles one row of the temporary table PG_FOUND, which the merge row by row
 * has filled. The row with item -1 holds the counts of inserted, updated and
 * other rows: the function adds them to the outcome's counts. Every other row
 * holds a record that the target table refused: the function rejects this
 * record. */
static int
add_reject_or_counts_of_found_row(struct pg_sink *s, struct outcome *o,
    const struct db_rows *r, struct err *e)
{
	struct db_fault f = { .data = true };
	struct sums *t = &o->sums;
	char message[1024];
	int64_t item = db_column(r, 0).i;

	if (item == -1) {
		bool ignore = s->target->mode == LOAD_IGNORE;

		t->inserted += (uint64_t)db_column(r, 5).i;
		t->updated += (uint64_t)db_column(r, 6).i;
		*(ignore ? &t->skipped : &t->unchanged) +=
		    (uint64_t)db_column(r, 7).i;
		*(ignore ? &t->skipped : &t->superseded) +=
		    (uint64_t)db_column(r, 8).i;
		return 0;
	}
	copy_truncated_text(f.sqlstate, sizeof(f.sqlstate), db_column(r, 1));
	copy_truncated_text(message, sizeof(message), db_column(r, 2));
	copy_truncated_text(f.column, sizeof(f.column), db_column(r, 3));
	copy_truncated_text(
	    f.constraint, sizeof(f.constraint), db_column(r, 4));
	return outcome_reject_after_db_fault(o, (size_t)item, &f, message, e);
}

static int
add_rejects_and_counts_of_merge(
    struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, "SELECT n, state, message, col, con, "
	    "inserted, updated, unchanged, superseded FROM " PG_FOUND
	    " ORDER BY n", NULL, 0, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = add_reject_or_counts_of_found_row(s, o, r, e)) == -1)
			break;
	db_end(r);
	return rc;
}

static int
merge_row_by_row_and_reject(struct pg_sink *s, struct outcome *o, struct err *e)
{
	uint64_t before = o->sums.unchanged;
	int64_t n;

	buf_clear(&s->sql);
	pg_put_create_found_table(&s->sql);
	if (pg_run_sql_text(s, e) == -1)
		return -1;
	buf_clear(&s->sql);
	pg_put_merge_row_by_row(
	    &s->sql, s->target, s->rows.shapes, s->rows.nshapes);
	if (pg_run_sql_text(s, e) == -1 ||
	    add_rejects_and_counts_of_merge(s, o, e) == -1)
		return -1;
	if (s->target->upsert && s->target->seen != NO_COLUMN &&
	    o->sums.unchanged > before)
		return run_change(s, pg_put_update_seen, &n, e);
	return 0;
}

/* Merges all rows of the staging table (a temporary table with the rows of a
 * chunk, a part of the batch). If the server reports equal keys (SQLSTATE
 * 21000), repeats the merge with a sort that keeps one row of each key. The
 * merges of later chunks sort too, until 16 chunks in succession had no equal
 * keys. */
static int
merge_and_repeat_if_equal_keys(struct pg_sink *s, uint64_t staged,
    struct sums *sums, struct err *e)
{
	enum { QUIET_MAX = 16 };
	int rc = merge_shapes_count_and_check_deferred(s, staged, sums, e);

	if (rc == -1 && !s->twice &&
	    strcmp(db_fault(s->db)->sqlstate, "21000") == 0) {
		if (db_script(s->db, "ROLLBACK TO SAVEPOINT etl_merge",
		    e) == -1)
			return -1;
		*sums = (struct sums){ 0 };
		s->twice = true;
		rc = merge_shapes_count_and_check_deferred(s, staged, sums, e);
	}
	s->quiet = sums->superseded > 0 ? 0 : s->quiet + 1;
	if (s->quiet >= QUIET_MAX)
		s->twice = false;
	return rc;
}

int
pg_merge_chunk(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct sums sums = { 0 };
	uint64_t staged = 0;
	int rc;

	for (size_t i = 0; i < s->rows.n; i++)
		staged += !s->rows.v[i].bad;
	if (staged == 0)
		return 0;
	if (db_script(s->db, "SAVEPOINT etl_merge", e) == -1)
		return -1;
	rc = pg_roll_back_if_refused(s,
	    merge_and_repeat_if_equal_keys(s, staged, &sums, e), "etl_merge",
	    e);
	if (rc == 0)
		return merge_row_by_row_and_reject(s, o, e);
	if (rc == -1)
		return -1;
	o->sums.inserted += sums.inserted;
	o->sums.updated += sums.updated;
	o->sums.unchanged += sums.unchanged;
	o->sums.superseded += sums.superseded;
	o->sums.skipped += sums.skipped;
	return 0;
}
