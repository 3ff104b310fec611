#include "pg/pg_sink.h"

#include "pg/pg_sql.h"
#include "table/columns_sql.h"

#include <string.h>

/* Each statement of a round reads the staging table. If the rounds need more
 * statements than this, to merge the rows one by one takes less time. */
enum { STATEMENTS_MAX = 32 };

/* True if two values are stored as the same bytes whenever they are equal. For
 * example, citext has the equal values Anna and anna. */
static bool
equal_values_are_same(const struct column *c)
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

static bool
equal_keys_are_same(const struct target *t)
{
	for (size_t i = 0; i < t->nkey; i++)
		if (!equal_values_are_same(&t->table->columns[t->key[i]]))
			return false;
	return true;
}

const struct shape *
pg_find_first_used_shape(const struct pg_sink *s)
{
	size_t i = 0;

	while (!s->rows.used[i])
		i++;
	return s->rows.shapes[i];
}

/* True if merging the last row of each key gives the result of merging all rows
 * of this key: the last row sets each column that the others set, and the table
 * can refuse none of them except for a NULL, which the statement finds. */
static bool
last_row_is_enough(const struct pg_sink *s)
{
	const struct target *t = s->target;
	const struct shape *shape = pg_find_first_used_shape(s);

	if (pg_count_used_shapes(s) > 1 || s->judges_records ||
	    t->touch != NO_COLUMN || !equal_keys_are_same(t))
		return false;
	for (size_t i = 0; i < shape->n; i++)
		if (!t->is_key[shape->columns[i]] &&
		    (s->judged_by_index[shape->columns[i]] ||
		    !upsert_compares_column(t, shape, i)))
			return false;
	return true;
}

static int
merge_last_rows(struct pg_sink *s, struct sums *sums, struct err *e)
{
	buf_clear(&s->sql);
	pg_put_merge_statement(&s->sql, s->target, pg_find_first_used_shape(s),
	    true, PG_ROWS_LAST_OF_KEY);
	return pg_run_merge_and_count(s, sums, e) == -1 ? -1 : 1;
}

static int
merge_round(struct pg_sink *s, int64_t round, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i])
			continue;
		buf_clear(&s->sql);
		pg_put_merge_round(
		    &s->sql, s->target, s->rows.shapes[i], round);
		if (pg_run_sql_text(s, e) == -1)
			return -1;
	}
	return 0;
}

/* Round number r merges the r-th row of each key. A deferred constraint must
 * judge each row, so it is checked after each statement. */
static int
merge_in_rounds(struct pg_sink *s, struct sums *sums, struct err *e)
{
	int64_t rounds;

	if (pg_run_count_query(
		s, pg_put_count_most_equal_keys, &rounds, e) == -1)
		return -1;
	if ((uint64_t)rounds * pg_count_used_shapes(s) > STATEMENTS_MAX)
		return 0;
	buf_clear(&s->sql);
	pg_put_create_merged_table(&s->sql, s->target);
	if (pg_run_sql_text(s, e) == -1 ||
	    pg_check_deferred_constraints(s, e) == -1)
		return -1;
	for (int64_t i = 1; i <= rounds; i++)
		if (merge_round(s, i, e) == -1)
			return -1;
	buf_clear(&s->sql);
	pg_put_count_merged(&s->sql, s->target);
	return pg_run_merge_and_count(s, sums, e) == -1 ? -1 : 1;
}

/* If the table has a foreign key to itself, a row may wait for one that comes
 * later, but not if a later row of its key was merged. */
bool
pg_may_merge_equal_keys(const struct pg_sink *s)
{
	return s->twice && !s->rows.order.distinct &&
	    s->target->mode->updates && !s->one_by_one &&
	    !s->refers_to_itself && !pg_order_matters(s);
}

int
pg_merge_equal_keys(struct pg_sink *s, struct sums *sums, struct err *e)
{
	return last_row_is_enough(s) ? merge_last_rows(s, sums, e) :
	    merge_in_rounds(s, sums, e);
}
