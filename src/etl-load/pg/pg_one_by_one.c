#include "pg/pg_sink.h"

#include "pg/pg_change_sql.h"
#include "pg/pg_inserted_keys.h"
#include "pg/pg_sql.h"

#include <string.h>

static void
copy_truncated(char *to, size_t size, struct db_value v)
{
	size_t n = v.len < size ? v.len : size - 1;

	if (n > 0)
		memcpy(to, v.p, n);
	to[n] = '\0';
}

/* Reads one row of the temporary table PG_FOUND, which the merge row by row has
 * filled. The row with item -1 has the counts of inserted, updated and other
 * rows, which are added to those of the outcome. Every other row is about a
 * record that the target table refused: the function rejects the record. */
static int
take_found_row(struct pg_sink *s, struct outcome *o, const struct db_rows *r,
    struct err *e)
{
	struct db_fault f = { .data = true };
	struct sums *t = &o->sums;
	char message[1024];
	int64_t item = db_column(r, 0).i;

	if (item == -1) {
		bool ignore = s->target->mode->skips;

		t->inserted += (uint64_t)db_column(r, 6).i;
		t->updated += (uint64_t)db_column(r, 7).i;
		*(ignore ? &t->skipped : &t->unchanged) +=
		    (uint64_t)db_column(r, 8).i;
		*(ignore ? &t->skipped : &t->superseded) +=
		    (uint64_t)db_column(r, 9).i;
		o->most_equal += (uint64_t)db_column(r, 10).i;
		t->skipped += (uint64_t)db_column(r, 11).i;
		t->deleted += (uint64_t)db_column(r, 12).i;
		t->missed += (uint64_t)db_column(r, 13).i;
		s->first_updates |= db_column(r, 14).i != 0;
		return 0;
	}
	copy_truncated(f.sqlstate, sizeof(f.sqlstate), db_column(r, 1));
	if (strcmp(f.sqlstate, PG_NO_ROW) == 0)
		f.sqlstate[0] = '\0';   /* raised by etl-load itself */
	copy_truncated(message, sizeof(message), db_column(r, 2));
	copy_truncated(f.column, sizeof(f.column), db_column(r, 3));
	copy_truncated(f.constraint, sizeof(f.constraint), db_column(r, 4));
	return outcome_reject_fault(o, (size_t)item, &f, message, e);
}

/* Reads the table PG_FOUND, which the merge row by row has filled. */
static int
read_found_rows(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, "SELECT n, state, message, col, con, "
	    "waits, inserted, updated, unchanged, superseded, most, skipped, "
	    "deleted, missed, only_updates FROM "
	    PG_FOUND " ORDER BY n", NULL, 0, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = take_found_row(s, o, r, e)) == -1)
			break;
	db_end(r);
	return rc;
}

/* Runs the statements of the merge for no rows. If one of them fails even so,
 * no record is the cause, and the load ends with this error. For example, the
 * role may not write to the table. */
static int
check_merge(struct pg_sink *s, struct err *e)
{
	const struct pg_row *row = s->rows.v;
	const char *t;

	if (s->target->mode->history) {
		s->failed_item = row->item;
		if (pg_try_history(s, e) == -1)
			return -1;
		s->failed_item = NO_ITEM;
		return 0;
	}
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i])
			continue;
		buf_clear(&s->sql);
		pg_put_merge(&s->sql, s->target, s->rows.shapes[i], false,
		    PG_ROWS_NONE, false);
		if ((t = buf_finish(&s->sql, e)) == NULL)
			return -1;
		if (db_run(s->db, t, NULL, 0, NULL, e) == 0)
			continue;
		while (row->shape != i)
			row++;
		s->failed_item = row->item;
		return -1;
	}
	return 0;
}

/* Sets *may to true if one statement for many rows of the chunk has the same
 * result, and the same counts, as one statement for each row. */
static int
may_merge_groups(struct pg_sink *s, uint64_t staged, bool *may, struct err *e)
{
	const struct target *t = s->target;
	int64_t keys = (int64_t)staged;

	*may = staged > 1 && !s->one_by_one && !s->refers_to_itself &&
	    !t->mode->changes && !t->mode->history &&
	    t->newer_by == NO_COLUMN && t->seen == NO_COLUMN &&
	    !pg_notes_inserted(t) && pg_count_shapes(s) == 1;
	if (*may && t->mode->updates &&
	    pg_count_keys(s, staged, &keys, e) == -1)
		return -1;
	*may = *may && (uint64_t)keys == staged;
	return 0;
}

int
pg_merge_singly(struct pg_sink *s, struct outcome *o, uint64_t staged,
    struct err *e)
{
	/* In --mode cdc and scd2 no record waits for a later one, because
	 * changes must be applied in their order. */
	struct pg_row_rules rules = {
		.refers_to_itself = s->refers_to_itself &&
		    !s->target->mode->changes && !s->target->mode->history,
		.judge_all = o->judge_all, .in_order = s->in_order,
		.secured = s->secured, .first_updates = s->first_updates };
	uint64_t before = o->sums.superseded;

	if ((s->target->mode->changes ? pg_try_changes(s, e) :
	    check_merge(s, e)) == -1 ||
	    may_merge_groups(s, staged, &rules.group_at_once, e) == -1)
		return -1;
	buf_clear(&s->sql);
	pg_put_found_table(&s->sql, s->target);
	if (pg_run_script(s, e) == -1)
		return -1;
	buf_clear(&s->sql);
	pg_put_merge_singly(&s->sql, s->target, s->rows.shapes, s->rows.used,
	    s->rows.nshapes, &rules);
	if (pg_run_script(s, e) == -1 ||
	    (s->target->swaps && db_script(s->db, s->swap.messages.data, e) ==
		-1) || read_found_rows(s, o, e) == -1)
		return -1;
	if (o->sums.superseded > before)
		s->twice = true;
	return 0;
}
