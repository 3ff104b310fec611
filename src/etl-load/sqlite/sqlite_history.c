#include "sqlite/sqlite_history.h"

#include "sqlite/sqlite_history_sql.h"

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
