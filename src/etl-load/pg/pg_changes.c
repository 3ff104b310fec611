#include "pg/pg_sink.h"

#include "pg/pg_change_sql.h"
#include "table/columns_sql.h"

/* The most statements for a chunk. If it needs more, applying the changes row
 * by row is faster. */
enum { STATEMENTS_MAX = 64 };

static bool
is_pending_upsert(const struct pg_row *row)
{
	return !row->done && row->operation != OPERATION_DELETE;
}

/* True if the changes of different keys may be applied together, in any order.
 * Their order matters to triggers FOR EACH ROW (s->in_order). It also matters
 * if the table has a second unique index: a deleted row frees its values there
 * for a later insert. */
bool
pg_may_merge_changes(const struct pg_sink *s)
{
	const struct target *t = s->target;
	const struct pg_rows *r = &s->rows;

	if (t->strict || s->in_order || s->refers_to_itself)
		return false;
	for (size_t i = 0; i < t->table->n; i++)
		if (s->may_be_freed[i])
			return false;
	for (size_t i = 0; i < r->n; i++)
		if (is_pending_upsert(&r->v[i]) && (r->v[i].moves ||
		    (s->secured && r->v[i].operation == OPERATION_UPDATE &&
		    shape_lacks_column(t, r->shapes[r->v[i].shape], true))))
			return false;
	return true;
}

static bool
shape_has_upserts(const struct pg_sink *s, size_t shape)
{
	for (size_t i = 0; i < s->rows.n; i++)
		if (is_pending_upsert(&s->rows.v[i]) &&
		    s->rows.v[i].shape == shape)
			return true;
	return false;
}

static uint64_t
count_pending(const struct pg_sink *s, bool upserts)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->rows.n; i++)
		n += !s->rows.v[i].done &&
		    is_pending_upsert(&s->rows.v[i]) == upserts;
	return n;
}

/* Sets *rounds to the number of changes of the key with the most changes. If a
 * key may have several changes, fills the table PG_ROUND. */
static int
fill_round_table(struct pg_sink *s, int64_t *rounds, struct err *e)
{
	*rounds = 1;
	if (s->rows.order.distinct)
		return 0;
	buf_clear(&s->sql);
	pg_put_round_table(&s->sql, s->target);
	buf_str(&s->sql, "; ");
	pg_put_fill_rounds(&s->sql, s->target);
	return pg_run_script(s, e) == -1 ? -1 :
	    db_query_int(s->db, "SELECT pg_catalog.max(round) FROM " PG_ROUND,
	    NULL, 0, 1, rounds, e);
}

/* With --soft-delete, marks the rows as deleted instead. */
static int
delete_round(struct pg_sink *s, const struct pg_round *round, uint64_t *deleted,
    struct err *e)
{
	int64_t n = 0;

	buf_clear(&s->sql);
	pg_put_delete_round(&s->sql, s->target, round);
	if (pg_run_statement(s, &n, e) == -1)
		return -1;
	*deleted += (uint64_t)n;
	return 0;
}

/* Applies the changes of this round, in which each key has at most one
 * change. */
static int
apply_round(struct pg_sink *s, const struct pg_round *round, bool has_deletes,
    struct sums *sums, struct err *e)
{
	if (has_deletes && delete_round(s, round, &sums->deleted, e) == -1)
		return -1;
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i] || !shape_has_upserts(s, i))
			continue;
		buf_clear(&s->sql);
		pg_put_upsert_round(&s->sql, s->target, s->rows.shapes[i],
		    round, pg_shape_updates_first(s, s->rows.shapes[i]));
		if (pg_run_merge(s, sums, e) == -1)
			return -1;
	}
	return 0;
}

/* Round r applies the r-th change of each key. If the table has deferred
 * constraints, PostgreSQL is told to check them after each statement, because a
 * later change of the same key could hide an error. */
int
pg_merge_changes(struct pg_sink *s, struct sums *sums, struct err *e)
{
	uint64_t upserts = count_pending(s, true);
	uint64_t deletes = count_pending(s, false);
	struct pg_round round;
	int64_t rounds;

	if (fill_round_table(s, &rounds, e) == -1)
		return -1;
	if ((uint64_t)rounds * (pg_count_shapes(s) + 1) > STATEMENTS_MAX)
		return 0;
	if (pg_check_deferred(s, e) == -1)
		return -1;
	for (int64_t i = 1; i <= rounds; i++) {
		round = (struct pg_round){ i, rounds == 1 };
		if (apply_round(s, &round, deletes > 0, sums, e) == -1)
			return -1;
	}
	sums->unchanged = upserts - sums->inserted - sums->updated;
	sums->missed = deletes - sums->deleted;
	return 1;
}

static bool
is_pending_change(const struct pg_row *row, size_t shape, bool upsert)
{
	return row->shape == shape && !row->done &&
	    is_pending_upsert(row) == upsert;
}

/* Runs the statement for the changes of this shape, but for no rows. If it
 * fails even so, notes the first such record in s->failed_item. */
static int
try_empty_change(struct pg_sink *s, size_t shape, bool upsert, struct err *e)
{
	static const struct pg_round none = { 0, true };
	const char *t;
	size_t i = 0;

	while (i < s->rows.n &&
	    !is_pending_change(&s->rows.v[i], shape, upsert))
		i++;
	if (i == s->rows.n)
		return 0;
	buf_clear(&s->sql);
	if (upsert)
		pg_put_upsert_round(&s->sql, s->target, s->rows.shapes[shape],
		    &none, false);
	else
		pg_put_delete_round(&s->sql, s->target, &none);
	if ((t = buf_finish(&s->sql, e)) == NULL)
		return -1;
	if (db_run(s->db, t, NULL, 0, NULL, e) == 0)
		return 0;
	s->failed_item = s->rows.v[i].item;
	return -1;
}

int
pg_try_changes(struct pg_sink *s, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] &&
		    (try_empty_change(s, i, true, e) == -1 ||
		    try_empty_change(s, i, false, e) == -1))
			return -1;
	return 0;
}
