#include "pg/pg_sink.h"

#include "pg/pg_history_sql.h"
#include "table/columns_sql.h"

/* The most rounds for a chunk. Each round has some statements for each shape.
 * If more rounds are needed, merging the rows one by one is faster. */
enum { ROUNDS_MAX = 16 };

typedef void put_function(struct buf *b, const struct target *t,
    const struct shape *s, bool late);

/* Runs the statement, and adds the number of changed rows to *sum. */
static int
run_change(struct pg_sink *s, put_function *put, const struct shape *shape,
    bool late, uint64_t *sum, struct err *e)
{
	int64_t n = 0;

	buf_clear(&s->sql);
	put(&s->sql, s->target, shape, late);
	if (pg_run_statement(s, &n, e) == -1)
		return -1;
	*sum += (uint64_t)n;
	return 0;
}

/* Plans the records of the round, shape by shape. */
static int
plan_shapes(struct pg_sink *s, int64_t round, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i])
			continue;
		buf_clear(&s->sql);
		pg_put_plan_round(
		    &s->sql, s->target, s->rows.shapes[i], round);
		if (pg_run_statement(s, NULL, e) == -1)
			return -1;
	}
	return 0;
}

static int
plan_late_records(struct pg_sink *s, struct err *e)
{
	buf_clear(&s->sql);
	pg_put_plan_late(&s->sql, s->target);
	if (pg_run_statement(s, NULL, e) == -1)
		return -1;
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i])
			continue;
		buf_clear(&s->sql);
		pg_put_plan_valid(&s->sql, s->target, s->rows.shapes[i]);
		if (pg_run_statement(s, NULL, e) == -1)
			return -1;
	}
	return 0;
}

/* Carries out the plan (pg_history_sql.h) for the records of one shape: the
 * steps "insert", "end" and "correct". */
static int
write_planned_shape(struct pg_sink *s, const struct shape *shape, bool late,
    struct sums *sums, struct err *e)
{
	if (run_change(s, pg_put_insert_planned, shape, late,
	    late ? &sums->updated : &sums->inserted, e) == -1 ||
	    run_change(s, pg_put_end_planned, shape, late, &sums->updated,
	    e) == -1)
		return -1;
	return shape_can_change(s->target, shape) ?
	    run_change(s, pg_put_correct, shape, late,
	    &sums->updated, e) : 0;
}

/* Carries out the plan for all shapes. Then sets the column of --seen in the
 * rows that are the same. */
static int
write_planned(struct pg_sink *s, bool late, struct sums *sums, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] && write_planned_shape(s, s->rows.shapes[i],
		    late, sums, e) == -1)
			return -1;
	if (s->target->seen == NO_COLUMN)
		return 0;
	buf_clear(&s->sql);
	pg_put_seen_planned(&s->sql, s->target, late);
	return pg_run_statement(s, NULL, e);
}

/* Plans the round. Sets *past to the number of its records that concern a row
 * which is not current. Round 0 has no records: it only tries the
 * statements. */
static int
plan_round(struct pg_sink *s, int64_t round, int64_t *past, struct err *e)
{
	int64_t late = 0;

	buf_clear(&s->sql);
	pg_put_plan_table(&s->sql, s->target);
	if (pg_run_script(s, e) == -1 ||
	    plan_shapes(s, round, e) == -1 ||
	    pg_run_count(s, pg_put_count_late, &late, e) == -1)
		return -1;
	if ((late > 0 || round == 0) && plan_late_records(s, e) == -1)
		return -1;
	return pg_run_count(s, pg_put_count_past, past, e);
}

/* Returns 1: merged; 0: another session has changed rows after they were
 * planned; -1 with *e. Plans the round and carries out the plan. */
static int
merge_one_round(struct pg_sink *s, int64_t round, struct sums *sums,
    struct err *e)
{
	uint64_t before = sums->inserted + sums->updated;
	int64_t past = 0, planned = 0;

	if (plan_round(s, round, &past, e) == -1 ||
	    write_planned(s, false, sums, e) == -1 ||
	    ((past > 0 || round == 0) &&
		write_planned(s, true, sums, e) == -1) ||
	    pg_run_count(s, pg_put_count_planned, &planned, e) == -1)
		return -1;
	return sums->inserted + sums->updated - before == (uint64_t)planned;
}

int
pg_may_merge_history(struct pg_sink *s, struct outcome *o, bool *may,
    struct err *e)
{
	*may = false;
	s->rounds = 1;
	if (!s->rows.order.distinct && pg_run_count(s, pg_put_count_most,
	    &s->rounds, e) == -1)
		return -1;
	*may = s->rounds <= ROUNDS_MAX && !s->one_by_one &&
	    !pg_order_matters(s);
	if (!*may && (uint64_t)s->rounds > o->most_equal)
		o->most_equal = (uint64_t)s->rounds;
	return 0;
}

/* If the table has deferred constraints, PostgreSQL is told to check them after
 * each statement, because a later record of the batch could hide an error. */
int
pg_merge_history(struct pg_sink *s, struct sums *sums, struct err *e)
{
	if (pg_check_deferred(s, e) == -1)
		return -1;
	for (int64_t i = 1; i <= s->rounds; i++) {
		int rc = merge_one_round(s, i, sums, e);

		if (rc == 0)
			rc = db_script(
			    s->db, "ROLLBACK TO SAVEPOINT etl_merge", e);
		if (rc != 1)
			return rc;
	}
	return 1;
}

int
pg_try_history(struct pg_sink *s, struct err *e)
{
	struct sums sums = { 0 };

	return merge_one_round(s, 0, &sums, e) == -1 ? -1 : 0;
}
