#include "pg/pg_sink.h"

#include "pg/pg_sql.h"
#include "table/columns_sql.h"

#include <string.h>

/* The most statements for a chunk. Each of them reads the staging table. If the
 * rounds need more statements, merging the rows one by one is faster. */
enum { STATEMENTS_MAX = 32 };

/* True if two equal values always have the same bytes. A counterexample is
 * citext, for which Anna and anna are equal. */
static bool
same_value_bytes(const struct column *c)
{
	switch (c->kind) {
	case COLUMN_INT:
	case COLUMN_BOOL:
	case COLUMN_TIME:
	case COLUMN_BYTES:
		return true;
	default:
		return c->equal_as_bytes || strcmp(c->type, "uuid") == 0;
	}
}

/* Returns true if two equal keys always have the same bytes. */
static bool
same_key_bytes(const struct target *t)
{
	for (size_t i = 0; i < t->nkey; i++)
		if (!same_value_bytes(&t->table->columns[t->key[i]]))
			return false;
	return true;
}

const struct shape *
pg_first_shape(const struct pg_sink *s)
{
	size_t i = 0;

	while (!s->rows.used[i])
		i++;
	return s->rows.shapes[i];
}

/* True if merging only the last row of each key gives the same result as
 * merging all rows of the key. For this, the last row must set every column
 * that the other rows set, and the table must not be able to refuse one of the
 * other rows. A NULL that a column refuses is no obstacle, because the merge
 * statement finds such a row. */
static bool
may_merge_last(const struct pg_sink *s)
{
	const struct target *t = s->target;
	const struct shape *shape = pg_first_shape(s);

	if (pg_count_shapes(s) > 1 || s->judges_records ||
	    t->touch != NO_COLUMN || !same_key_bytes(t))
		return false;
	for (size_t i = 0; i < shape->n; i++)
		if (!t->is_key[shape->columns[i]] &&
		    (s->judged_by_index[shape->columns[i]] ||
		    !upsert_compares(t, shape, i)))
			return false;
	return true;
}

/* Merges only the last row of each key. */
static int
merge_last_rows(struct pg_sink *s, struct sums *sums, struct err *e)
{
	buf_clear(&s->sql);
	pg_put_merge(&s->sql, s->target, pg_first_shape(s), true,
	    PG_ROWS_LAST_OF_KEY, pg_chunk_updates_first(s));
	return pg_run_merge(s, sums, e) == -1 ? -1 : 1;
}

/* Merges the row of each key that is number `nth` of its key. */
static int
merge_round(struct pg_sink *s, int64_t nth, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i])
			continue;
		buf_clear(&s->sql);
		pg_put_merge_round(
		    &s->sql, s->target, s->rows.shapes[i], nth,
		    pg_shape_updates_first(s, s->rows.shapes[i]));
		if (pg_run_script(s, e) == -1)
			return -1;
	}
	return 0;
}

/* Round r merges the r-th row of each key. If the table has deferred
 * constraints, PostgreSQL is told to check them after each statement, because a
 * later row of the same key could hide an error. Returns 1: merged; 0: it would
 * need too many statements; -1 with *e. */
static int
merge_in_rounds(struct pg_sink *s, struct sums *sums, struct err *e)
{
	int64_t rounds;

	if (pg_run_count(s, pg_put_count_most, &rounds, e) == -1)
		return -1;
	if ((uint64_t)rounds * pg_count_shapes(s) > STATEMENTS_MAX)
		return 0;
	buf_clear(&s->sql);
	pg_put_merged_table(&s->sql, s->target);
	if (pg_run_script(s, e) == -1 || pg_check_deferred(s, e) == -1)
		return -1;
	for (int64_t i = 1; i <= rounds; i++)
		if (merge_round(s, i, e) == -1)
			return -1;
	buf_clear(&s->sql);
	pg_put_count_merged(&s->sql, s->target);
	return pg_run_merge(s, sums, e) == -1 ? -1 : 1;
}

/* If a table has a foreign key to itself, a refused row may have to wait for
 * the row that it refers to. It must be dropped if a later row of its own key
 * was merged meanwhile. Only the merge row by row can do this. */
bool
pg_may_merge_rounds(const struct pg_sink *s)
{
	return s->twice && !s->rows.order.distinct &&
	    s->target->mode->updates && !s->one_by_one &&
	    !s->refers_to_itself && !pg_order_matters(s);
}

int
pg_merge_rounds(struct pg_sink *s, struct sums *sums, struct err *e)
{
	return may_merge_last(s) ?
	    merge_last_rows(s, sums, e) :
	    merge_in_rounds(s, sums, e);
}
