#include "pg/pg_sink.h"

#include "pg/pg_history_sql.h"
#include "pg/pg_stage_sql.h"
#include "table/columns_sql.h"
#include "table/soft_delete.h"

#include <stdio.h>
#include <string.h>

/* Keeps other sessions from writing to the table. If one of them wrote a row
 * between find_late() and the merge, the merge would overwrite this row. */
static int
lock_table(void *self, struct err *e)
{
	struct pg_sink *s = self;

	buf_clear(&s->sql);
	buf_printf(&s->sql, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE",
	    s->target->table->quoted);
	return pg_run_script(s, e);
}

/* Returns NULL if the number is NO_COLUMN. */
static const struct column *
maybe_column(const struct target *t, int column)
{
	return column == NO_COLUMN ? NULL : &t->table->columns[column];
}

/* Returns true if the values of the column have a date. */
static bool
has_date(const struct column *c)
{
	return strncmp(c->type, "timestamp", 9) == 0 ||
	    strcmp(c->type, "date") == 0;
}

/* Appends the column as a timestamp. A column that keeps only days, or fewer
 * digits of the second, has rounded the time at which the row was written: the
 * row may have been written up to a day or a second later. */
static void
put_latest_time(struct buf *b, const char *row, const struct column *c)
{
	const char *more = strcmp(c->type, "date") == 0 ? "1 day" :
	    strchr(c->type, '(') != NULL ? "1 second" : "0";

	buf_printf(b, "(%s.%s::timestamp OPERATOR(pg_catalog.+) "
	    "interval '%s')", row, c->quoted, more);
}

/* Appends the later one of two times of the row, as RFC 3339. It is NULL if
 * `first` is NULL, or is no column with a date; `second` may be NULL. */
static void
put_time_written(struct buf *b, const char *row, const struct column *first,
    const struct column *second)
{
	if (first == NULL || !has_date(first) ||
	    (second != NULL && !has_date(second))) {
		buf_str(b, "NULL::text");
		return;
	}
	buf_printf(b, "CASE WHEN %s.%s IS NOT NULL THEN "
	    "pg_catalog.to_char(greatest(", row, first->quoted);
	put_latest_time(b, row, first);
	if (second != NULL) {
		buf_str(b, ", ");
		put_latest_time(b, row, second);
	}
	buf_str(b, "), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') END");
}

/* Appends a query of the staged rows of the shape and the rows of the target
 * with their keys. The caller appends further conditions. */
static void
put_select(struct buf *b, const struct target *t, const struct shape *s,
    const struct column *first, const struct column *second)
{
	buf_str(b, "SELECT w.\"etl.n\", ");
	put_time_written(b, "\"etl.t\"", first, second);
	buf_printf(b, " FROM " PG_STAGE "%s AS w JOIN %s AS \"etl.t\" ON ",
	    t->suffix, t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "w");
	buf_printf(b, " WHERE w.\"etl.s\" = %zu AND ", s->id);
}

/* With --as-of, a record overwrites only the row that begins at the time of the
 * change. Without --as-of, a row says when it was written: it begins at the
 * time of the load that has inserted it, and ends at the time of the load that
 * has ended it. A record changes nothing if the current row is equal. */
static void
put_select_history(
    struct buf *b, const struct target *t, const struct shape *s)
{
	const struct history *h = &t->history;
	const struct column *c = t->table->columns;

	if (h->as_of != NULL) {
		put_select(b, t, s, maybe_column(t, t->touch),
		    maybe_column(t, t->seen));
		buf_printf(b, "\"etl.t\".%s OPERATOR(pg_catalog.=) w.%s AND ",
		    c[h->from].quoted, c[h->from].quoted);
		pg_put_differs(b, t, s, "\"etl.t\"", "w");
		return;
	}
	put_select(b, t, s, &c[h->from], &c[h->to]);
	buf_printf(b, "NOT EXISTS (SELECT FROM %s AS c WHERE c.%s AND ",
	    t->table->quoted, c[h->current].quoted);
	pg_put_same_key(b, t, "c", "w");
	buf_str(b, " AND NOT (");
	pg_put_differs(b, t, s, "c", "w");
	buf_str(b, "))");
}

/* Appends a condition that is true if the record would change or delete the
 * row. */
static void
put_changes_row(struct buf *b, const struct target *t, const struct shape *s,
    bool any_row)
{
	if (t->mode->changes) {
		buf_str(b, "CASE WHEN w.\"etl.o\" = 'D' THEN ");
		if (t->soft_delete != NO_COLUMN) {
			buf_str(b, "NOT (");
			soft_delete_put_marked(b, t, "\"etl.t\".");
			buf_str(b, ") ELSE (");
		} else {
			buf_str(b, "true ELSE (");
		}
	}
	if (any_row)
		buf_str(b, "true");
	else if (shape_can_change(t, s))
		pg_put_row_differs(b, t, s, "w", false);
	else
		buf_str(b, "false");
	if (t->mode->changes)
		buf_str(b, ") END");
}

/* Appends a query of the rows with the old keys of updates that change the
 * key. */
static void
put_select_moved(struct buf *b, const struct target *t, const struct shape *s)
{
	char name[CHANGE_NAME], quoted[CHANGE_NAME + 2];

	buf_str(b, " UNION ALL SELECT w.\"etl.n\", ");
	put_time_written(b, "\"etl.t\"", maybe_column(t, t->touch),
	    maybe_column(t, t->seen));
	buf_printf(b, " FROM " PG_STAGE "%s AS w JOIN %s AS \"etl.t\" ON ",
	    t->suffix, t->table->quoted);
	for (size_t i = 0; i < t->nkey; i++) {
		change_old_name(name, i);
		(void)snprintf(quoted, sizeof(quoted), "\"%s\"", name);
		buf_str(b, i > 0 ? " AND " : "");
		pg_put_equal(b, &t->table->columns[t->key[i]], "\"etl.t\"",
		    "w", quoted);
	}
	buf_printf(b, " WHERE w.\"etl.s\" = %zu AND w.", s->id);
	pg_put_old_column(b, 0);
	buf_str(b, " IS NOT NULL");
}

static int
note_shape_rows(struct pg_sink *s, const struct shape *shape, bool any_row,
    note_old_row *note, void *to, struct err *e)
{
	const struct target *t = s->target;
	const char *sql;
	struct db_rows *r;
	int rc;

	buf_clear(&s->sql);
	if (t->mode->history) {
		put_select_history(&s->sql, t, shape);
	} else {
		put_select(&s->sql, t, shape, maybe_column(t, t->touch),
		    maybe_column(t, t->seen));
		put_changes_row(&s->sql, t, shape, any_row);
	}
	if (t->mode->changes)
		put_select_moved(&s->sql, t, shape);
	if ((sql = buf_finish(&s->sql, e)) == NULL ||
	    db_query(s->db, &r, sql, NULL, 0, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		note(to, (size_t)db_column(r, 0).i,
		    db_column(r, 1).type == DB_TEXT ? db_column(r, 1).p : NULL);
	db_end(r);
	return rc;
}

/* Copies the rows of the chunk to the staging table, as for a merge. */
static int
note_late_rows(struct pg_sink *s, struct outcome *o, bool any_row,
    note_old_row *note, void *to, struct err *e)
{
	if (pg_chunk_begin(s, !o->begun, e) == -1 ||
	    pg_stage_begin(s, e) == -1 ||
	    pg_rows_copy(&s->rows, o, true, e) == -1)
		return -1;
	if (s->rows.n > 0 && (pg_copy_to_stage(s, o, e) == -1 ||
	    pg_analyze_stage(s, e) == -1))
		return -1;
	for (size_t i = 0; s->rows.n > 0 && i < s->rows.nshapes; i++)
		if (s->rows.used[i] && note_shape_rows(s,
		    s->rows.shapes[i], any_row, note, to, e) == -1)
			return -1;
	return db_script(s->db, "RELEASE SAVEPOINT etl_chunk", e);
}

static enum sink_result
find_late(void *self, struct outcome *o, bool any_row, note_old_row *note,
    void *to, struct err *e)
{
	struct pg_sink *s = self;
	int rc;

	(void)reader_forget_shapes(&o->reader);
	s->failed_item = NO_ITEM;
	rc = note_late_rows(s, o, any_row, note, to, e);
	if (rc == -1 && pg_binary_failed(s)) {
		s->rows.some_need_text = true;
		return SINK_REPEAT;
	}
	pg_note_dead_rows(s);
	return rc == -1 ? SINK_FAILED : SINK_DONE;
}

const struct sink_late pg_late = {
	.lock = lock_table,
	.find = find_late,
};
