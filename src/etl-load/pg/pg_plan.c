#include "pg/pg_plan.h"

#include "pg/pg_change_sql.h"
#include "pg/pg_copy_binary.h"
#include "pg/pg_history_sql.h"
#include "pg/pg_rows.h"
#include "pg/pg_stage_sql.h"
#include "table/columns_sql.h"

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
	pg_put_copy(b, t, s, !straight, pg_may_be_binary(t,
	    !straight) && pg_shape_is_binary(t, s));
	put_end(b);
	if (!straight)
		put_merge(b, t, s);
	if (t->mode->mirrors)
		buf_printf(b, "-- at the end %s the rows whose keys did not "
		    "come\n", t->mode->history ? "ends" :
		    t->soft_delete != NO_COLUMN ? "marks" : "deletes");
}
