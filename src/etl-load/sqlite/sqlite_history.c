#include "sqlite/sqlite_history.h"

#include "base/datetime.h"
#include "base/stop.h"
#include "sqlite/sqlite_sink.h"
#include "sqlite/sqlite_sql.h"
#include "target.h"

#include <stdio.h>
#include <string.h>

struct found {                  /* the row that is valid at the time */
	char from[CLOCK_STAMP], to[CLOCK_STAMP];        /* to "": no end */
	bool differs;           /* from the record, in a compared column */
};

void
lite_history_free(struct lite_history_shape *s)
{
	for (size_t i = 0; i < LITE_HISTORY_STATEMENTS; i++) {
		db_stmt_free(s->statement[i]);
		s->statement[i] = NULL;
	}
}

/* Returns the LITE_HISTORY_VALUES values that follow those of the shape. */
static struct db_value *
get_extra_values(const struct lite_history_record *r)
{
	return r->values + r->shape->n;
}

/* Runs the statement, and prepares it first if this was not done before. */
static int
run_history(struct lite_history_shape *s, const struct lite_history_record *r,
    enum lite_history_sql sql, struct db_rows **row, int64_t *changed,
    struct err *e)
{
	struct db_stmt **st = &s->statement[sql];
	struct buf b;
	int rc = 0;

	if (*st == NULL) {
		buf_init(&b, SIZE_MAX / 4);
		lite_put_history_sql(&b, r->target, r->shape, sql);
		(void)buf_text(&b);
		if ((rc = buf_check(&b, e)) == 0)
			rc = db_prepare(r->db, st, b.data, e);
		buf_release(&b);
	}
	return rc == -1 ? -1 : db_stmt_run(*st, r->values,
	    r->shape->n + LITE_HISTORY_VALUES, row, changed, e);
}

/* Copies a time from a row of the table. Fails if the time has another form
 * than the loader writes, because the loader compares times as texts. */
static int
copy_row_time(char out[CLOCK_STAMP],
    const struct lite_history_record *r, struct db_value v, struct err *e)
{
	const struct table *t = r->target->table;
	const struct history *h = &r->target->history;
	struct as_of_refusal no;

	out[0] = '\0';
	if (v.type == DB_NULL)
		return 0;
	if (v.type == DB_TEXT &&
	    as_of_convert(out, v.p, v.len, h->digits, false, &no) &&
	    strlen(out) == v.len && memcmp(out, v.p, v.len) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: a row has the time "
	    "\"%.*s\" in \"%s\" or \"%s\": --mode scd2 can only compare times "
	    "in the form %s: change the rows to this form", t->name,
	    v.type == DB_TEXT ? (int)v.len : 0, v.type == DB_TEXT ? v.p : "",
	    t->columns[h->from].name, t->columns[h->to].name,
	    h->digits == AS_OF_DAYS ? "2026-05-30" :
	    "2026-05-30T12:00:00.000000Z");
}

/* Returns 1: found; 0: there is no such row; -1 with *e. */
static int
find_history_row(struct lite_history_shape *s,
    const struct lite_history_record *r, enum lite_history_sql sql,
    struct found *f, struct err *e)
{
	struct db_rows *row;

	if (run_history(s, r, sql, &row, NULL, e) == -1)
		return -1;
	if (row == NULL)
		return 0;
	if (copy_row_time(f->from, r, db_column(row, 0), e) == -1 ||
	    copy_row_time(f->to, r, db_column(row, 1), e) == -1)
		return -1;
	f->differs = db_column(row, 2).i != 0;
	return 1;
}

static struct db_value
time_value(const char *text)
{
	return db_text(*text == '\0' ? NULL : text);
}

/* Sets the time of change. Without --as-of it is the present time. If the
 * present time is not after the beginning of the current row, it is the next
 * time that the column can hold. So each change gets a row of its own, except
 * in a column of days. */
static int
set_change_time(char at[CLOCK_STAMP], const struct lite_history_record *r,
    const char *current_from, struct err *e)
{
	const struct history *h = &r->target->history;

	if (h->as_of != NULL) {
		memcpy(at, r->as_of, CLOCK_STAMP);
		return 0;
	}
	memcpy(at, get_extra_values(r)->p, CLOCK_STAMP);
	as_of_cut(at, h->digits);
	if (current_from == NULL || strcmp(at, current_from) > 0)
		return 0;
	memcpy(at, current_from, CLOCK_STAMP);
	if (as_of_next(at, h->digits))
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: the current row begins "
	    "at %s, the latest possible time, so a later change cannot have a "
	    "row: give --as-of, or change the row",
	    r->target->table->name, current_from);
}

/* Sets *at to the time of change and finds the row that is valid at this time.
 * Returns 1: found; 0: no row is valid then; -1 with *e. Looks at the current
 * row first, because the index of the current rows finds it. Often no other row
 * must be read. */
static int
find_valid_row(struct lite_history_shape *s,
    const struct lite_history_record *r, char at[CLOCK_STAMP],
    struct found *f, struct err *e)
{
	int rc = find_history_row(s, r, LITE_FIND_CURRENT, f, e);

	if (rc == -1 || set_change_time(at, r, rc == 1 ? f->from : NULL,
	    e) == -1)
		return -1;
	get_extra_values(r)[1] = db_text(at);
	return rc == 1 && strcmp(f->from, at) <= 0 ? 1 :
	    find_history_row(s, r, LITE_FIND_AT_TIME, f, e);
}

/* Inserts the record as a row that is valid from the record's time of change
 * until `to`. If `to` is empty, the row has no end and becomes the current
 * one. */
static int
insert_to(struct lite_history_shape *s, const struct lite_history_record *r,
    enum lite_history_sql sql, const char *to, int64_t *changed, struct err *e)
{
	struct db_value *v = get_extra_values(r);

	v[3] = time_value(to);
	v[4] = DB_I(*to == '\0');
	return run_history(s, r, sql, NULL, changed, e);
}

/* Called if no row of the key is valid at the time of change. Inserts a row
 * that ends when the next row begins, or is the current row if there is no next
 * row. */
static int
insert_between(struct lite_history_shape *s,
    const struct lite_history_record *r, bool *inserted, bool *updated,
    struct err *e)
{
	char to[CLOCK_STAMP];
	struct db_rows *row;
	int64_t changed = 0;

	if (run_history(s, r, LITE_FIND_NEXT, &row, NULL, e) == -1 ||
	    copy_row_time(to, r, db_column(row, 0), e) == -1 ||
	    insert_to(s, r, LITE_INSERT, to, &changed, e) == -1)
		return -1;
	*inserted = changed > 0 && to[0] == '\0';
	*updated = changed > 0 && to[0] != '\0';
	return 0;
}

int
lite_history_merge(struct lite_history_shape *s,
    const struct lite_history_record *r, bool *inserted, bool *updated,
    struct err *e)
{
	struct db_value *v = get_extra_values(r);
	char at[CLOCK_STAMP];
	struct found f = { 0 };
	int64_t changed = 0;
	int rc;

	*inserted = *updated = false;
	v[2] = v[3] = v[4] = (struct db_value){ 0 };
	if ((rc = find_valid_row(s, r, at, &f, e)) == -1)
		return -1;
	if (rc == 0)
		return insert_between(s, r, inserted, updated, e);
	v[2] = db_text(f.from);
	if (!f.differs)
		return r->target->seen == NO_COLUMN ? 0 :
		    run_history(s, r, LITE_SET_SEEN, NULL, NULL, e);
	if (strcmp(f.from, at) == 0)
		rc = run_history(s, r, LITE_CORRECT, NULL, &changed, e);
	else if ((rc = run_history(s, r, LITE_END, NULL, NULL, e)) == 0)
		rc = insert_to(s, r, LITE_INSERT_AFTER, f.to, &changed, e);
	*updated = changed > 0;
	return rc;
}

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
