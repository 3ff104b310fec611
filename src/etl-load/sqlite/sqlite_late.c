#include "sqlite/sqlite_sink.h"

#include "base/instant.h"
#include "base/stop.h"
#include "sqlite/sqlite_sql.h"
#include "table/soft_delete.h"

#include <stdio.h>
#include <string.h>

enum { STOP_EVERY = 256 };

/* The row that a record would change. */
struct old_row {
	bool exists;
	bool changes;           /* the record would change or delete it */
	char written[CLOCK_STAMP + 20];         /* when it was written; "" if
	                                         * that is not known */
};

static const char *
quoted(const struct target *t, int column)
{
	return column == NO_COLUMN ? "NULL" : t->table->columns[column].quoted;
}

static void
put_select(struct buf *b, const struct target *t)
{
	buf_printf(b, "SELECT %s, %s, ", quoted(t, t->touch),
	    quoted(t, t->touch == NO_COLUMN ? NO_COLUMN : t->seen));
}

/* Without --as-of, a row of --mode scd2 says when it was written: it begins at
 * the time of the load that has inserted it, and ends at the time of the load
 * that has ended it. A record changes nothing if the current row is equal. */
static void
put_select_history(
    struct buf *b, const struct target *t, const struct shape *s)
{
	const struct history *h = &t->history;

	buf_printf(b, "SELECT max(%s), max(%s), NOT max(%s IS TRUE AND NOT (",
	    quoted(t, h->from), quoted(t, h->to), quoted(t, h->current));
	sqlite_put_row_differs(b, t, s, false);
	buf_printf(b, ")) FROM %s", t->table->quoted);
	sqlite_put_where_key(b, t, s);
}

/* Appends a query that returns for the row of the record: the columns of
 * --touch and --seen, and whether the record would change the row. With
 * --as-of, the row is the one that begins at the time of the change: other rows
 * only get another end. */
static void
put_select_row(struct buf *b, const struct target *t, const struct shape *s)
{
	if (t->mode->history && t->history.as_of == NULL) {
		put_select_history(b, t, s);
		return;
	}
	put_select(b, t);
	sqlite_put_row_differs(b, t, s, false);
	buf_printf(b, " FROM %s", t->table->quoted);
	sqlite_put_where_key(b, t, s);
	if (t->mode->history)
		buf_printf(b, " AND %s = $%zu", quoted(t, t->history.from),
		    s->n + 2);
}

static void
put_select_deleted(
    struct buf *b, const struct target *t, const struct shape *s)
{
	put_select(b, t);
	buf_printf(b, "1 FROM %s", t->table->quoted);
	sqlite_put_where_key(b, t, s);
	if (t->soft_delete != NO_COLUMN) {
		buf_str(b, " AND NOT (");
		soft_delete_put_marked(b, t, "");
		buf_char(b, ')');
	}
}

static void
put_select_moved(struct buf *b, const struct target *t, const struct shape *s)
{
	put_select(b, t);
	buf_printf(b, "1 FROM %s", t->table->quoted);
	sqlite_put_where_old(b, t, s);
}

/* Copies the time, or the end of the day if the value is a date. Returns false
 * if the value is no time. */
static bool
copy_time(char *out, size_t size, const struct db_value *v)
{
	struct instant at;
	int n;

	if (v->type != DB_TEXT)
		return false;
	n = snprintf(out, size, "%.*s%s", (int)v->len, v->p,
	    v->len == 10 ? "T23:59:59.999999Z" : "");
	return n > 0 && (size_t)n < size && instant_parse(&at, out, (size_t)n);
}

/* Sets `written` to the later one of the two times. The second one may be
 * NULL. */
static void
set_time_written(struct old_row *row, const struct db_value *first,
    const struct db_value *second)
{
	char other[sizeof(row->written)];
	struct instant a, b;

	if (!copy_time(row->written, sizeof(row->written), first) ||
	    (second->type != DB_NULL &&
	    !copy_time(other, sizeof(other), second))) {
		row->written[0] = '\0';
		return;
	}
	if (second->type != DB_NULL &&
	    instant_parse(&a, row->written, strlen(row->written)) &&
	    instant_parse(&b, other, strlen(other)) &&
	    instant_compare(&a, &b) < 0)
		memcpy(row->written, other, sizeof(other));
}

static int
find_row(struct lite_store *s, struct db_stmt **stmt, const struct shape *shape,
    lite_statement_text *text, struct old_row *row, struct err *e)
{
	size_t more = s->target->mode->history ? LITE_HISTORY_VALUES :
	    1 + s->target->nkey;
	struct db_value first, second;
	struct db_rows *r = NULL;

	if (lite_prepare_once(s, stmt, shape, text, e) == -1 ||
	    db_stmt_run(*stmt, s->values, shape->n + more, &r, NULL, e) == -1)
		return -1;
	*row = (struct old_row){ .exists = r != NULL };
	if (r == NULL)
		return 0;
	first = db_column(r, 0);
	second = db_column(r, 1);
	row->changes = db_column(r, 2).type == DB_INT && db_column(r, 2).i != 0;
	set_time_written(row, &first, &second);
	return 0;
}

/* Finds the rows that the record, whose values are in s->values, would change.
 * Only an update that changes the key may have two: then notes both. */
static int
note_record_rows(struct lite_store *s, const struct shape *shape, size_t i,
    bool any_row, note_old_row *note, void *to, struct err *e)
{
	struct lite_statements *st = lite_get_statements(s, shape, e);
	struct db_value *after = s->values + shape->n;
	bool deletes = s->change != NULL &&
	    s->change->operation == OPERATION_DELETE;
	struct old_row row;

	if (st == NULL)
		return -1;
	if (s->target->mode->history) {
		after[1] = db_text(s->as_of);
		after[2] = after[3] = after[4] = (struct db_value){ 0 };
	}
	if (s->change != NULL && s->change->moves) {
		if (find_row(s, &st->late_move, shape, put_select_moved, &row,
			e) == -1)
			return -1;
		if (row.changes)
			note(to, i, *row.written == '\0' ? NULL : row.written);
	}
	if ((deletes ? find_row(s, &st->late_delete, shape, put_select_deleted,
	    &row, e) : find_row(s, &st->late, shape, put_select_row, &row,
	    e)) == -1)
		return -1;
	if (row.changes || (any_row && row.exists))
		note(to, i, *row.written == '\0' ? NULL : row.written);
	return 0;
}

/* The transaction has locked the database. */
static int
lock_nothing(void *self, struct err *e)
{
	(void)self;
	(void)e;
	return 0;
}

static enum sink_result
find_late(void *self, struct outcome *o, bool any_row, note_old_row *note,
    void *to, struct err *e)
{
	struct lite_sink *s = self;
	struct reject why;
	int rc;

	if (reader_forget_shapes(&o->reader))
		lite_free_statements(&s->store);
	lite_group_clear(s);
	for (size_t i = 0; i < o->chunk->n; i++) {
		struct line l = spool_get_line(o->chunk, i);

		if (i % STOP_EVERY == 0 && stop_signal() != 0) {
			(void)err_set(
			    e, ERR_RETRY, false, "stopped by a signal");
			return SINK_FAILED;
		}
		if (!outcome_has_record(o, i))
			continue;
		rc = lite_convert(&s->store, &o->reader, &l, &why, e);
		if (rc == 1)
			rc = note_record_rows(&s->store, o->reader.shape, i,
			    any_row, note, to, e);
		if (rc == -1)
			return SINK_FAILED;
	}
	return SINK_DONE;
}

const struct sink_late lite_late = {
	.lock = lock_nothing,
	.find = find_late,
};
