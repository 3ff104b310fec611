#include "columns_sql.h"
#include "pg/pg_sink.h"
#include "pg/pg_sql.h"
#include "pg/pg_way.h"
#include "target.h"

#include <stdio.h>
#include <string.h>

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

/* Carries out the plan (pg_sql.h) for the records of one shape: the
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

int
pg_history_round(struct pg_sink *s, int64_t round, struct sums *sums,
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

static const char *
quoted(const struct target *t, int column)
{
	return t->table->columns[column].quoted;
}

/* Appends FROM and a condition: the row "etl.t" of the table has the key of
 * "etl.r". */
static void
put_from_same_key(struct buf *b, const struct target *t)
{
	buf_printf(b, " FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
}

/* Appends statements that set "etl.at" to the time of change and "etl.p" to the
 * row that is valid at this time. They look at the current row first, because
 * the index of the current rows finds it. Often no other row must be read. */
static void
put_find_valid(struct buf *b, const struct target *t)
{
	const char *from = quoted(t, t->history.from);
	const char *to = quoted(t, t->history.to);

	buf_str(b, "SELECT \"etl.t\".* INTO \"etl.p\"");
	put_from_same_key(b, t);
	buf_printf(b, " AND \"etl.t\".%s;\n\"etl.at\" := ",
	    quoted(t, t->history.current));
	pg_put_change_time(b, t, "\"etl.r\"", "\"etl.p\"");
	buf_printf(b, ";\nIF \"etl.p\".%s IS NULL OR \"etl.p\".%s "
	    "OPERATOR(pg_catalog.>) \"etl.at\" THEN\n"
	    "SELECT \"etl.t\".* INTO \"etl.p\"", from, from);
	put_from_same_key(b, t);
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.<=) \"etl.at\" "
	    "AND (\"etl.t\".%s IS NULL OR \"etl.t\".%s "
	    "OPERATOR(pg_catalog.>) \"etl.at\") ORDER BY \"etl.t\".%s DESC "
	    "LIMIT 1;\nEND IF;\n", from, to, to, from);
}

/* Appends an INSERT of a row that is valid from "etl.at" to the time `to`. */
static void
put_insert_to(struct buf *b, const struct target *t, const struct shape *s,
    const char *to, bool carries)
{
	pg_put_insert_history(b, t, s, carries);
	buf_str(b, "VALUES (");
	pg_put_source(b, t, s, "\"etl.r\"");
	buf_printf(b, ", \"etl.at\", %s, %s IS NULL", to, to);
	if (carries)
		pg_put_carried(b, t, s, "\"etl.p\"");
	buf_str(b, ");\n");
}

/* Appends an INSERT of a row that ends where the next row of the key begins. */
static void
put_insert_between(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *from = quoted(t, t->history.from);

	buf_printf(b, "SELECT pg_catalog.min(\"etl.t\".%s) INTO \"etl.to\"",
	    from);
	put_from_same_key(b, t);
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.>) \"etl.at\";\n",
	    from);
	put_insert_to(b, t, s, "\"etl.to\"", false);
	buf_str(b, "IF FOUND THEN\n\"etl.new\" := \"etl.to\" IS NULL;\n"
	    "END IF;\n");
}

/* Appends a condition that selects the row of the table that is in "etl.p". */
static void
put_where_found(struct buf *b, const struct target *t)
{
	buf_str(b, " WHERE ");
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.=) \"etl.p\".%s",
	    quoted(t, t->history.from), quoted(t, t->history.from));
}

/* Appends NULL, which does nothing, if there is no column of --seen. */
static void
put_set_seen(struct buf *b, const struct target *t)
{
	if (t->seen == NO_COLUMN) {
		buf_str(b, "NULL;\n");
		return;
	}
	buf_printf(b, "UPDATE %s AS \"etl.t\" SET %s = pg_catalog.now()",
	    t->table->quoted, quoted(t, t->seen));
	put_where_found(b, t);
	buf_str(b, ";\n");
}

/* Appends NULL, which does nothing, if no record of this shape can change a
 * row. */
static void
put_correct_found(struct buf *b, const struct target *t, const struct shape *s)
{
	if (!shape_can_change(t, s)) {
		buf_str(b, "NULL;\n");
		return;
	}
	buf_printf(b, "UPDATE %s AS \"etl.t\" SET ", t->table->quoted);
	pg_put_assignments(b, t, s, "\"etl.r\"", false);
	put_where_found(b, t);
	buf_str(b, ";\nIF FOUND THEN\n\"etl.new\" := false;\nEND IF;\n");
}

/* Appends the UPDATE that ends the found row, and the INSERT of the row that
 * begins then. */
static void
put_split_found(struct buf *b, const struct target *t, const struct shape *s)
{
	struct buf to;

	buf_printf(b, "UPDATE %s AS \"etl.t\" SET %s = \"etl.at\", %s = false",
	    t->table->quoted, quoted(t, t->history.to),
	    quoted(t, t->history.current));
	if (t->touch != NO_COLUMN)
		buf_printf(b, ", %s = pg_catalog.now()", quoted(t, t->touch));
	put_where_found(b, t);
	buf_str(b, ";\n");
	buf_init(&to, SIZE_MAX / 4);
	buf_printf(&to, "\"etl.p\".%s", quoted(t, t->history.to));
	put_insert_to(b, t, s, buf_text(&to), true);
	b->failed |= to.failed;
	buf_release(&to);
	buf_str(b, "IF FOUND THEN\n\"etl.new\" := false;\nEND IF;\n");
}

void
pg_put_history_row(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *from = quoted(t, t->history.from);

	buf_printf(b, "DECLARE \"etl.p\" %s%%ROWTYPE; "
	    "\"etl.at\" %s.%s%%TYPE; \"etl.to\" %s.%s%%TYPE;\nBEGIN\n",
	    t->table->quoted, t->table->quoted, from, t->table->quoted, from);
	put_find_valid(b, t);
	buf_printf(b, "IF \"etl.p\".%s IS NULL THEN\n", from);
	put_insert_between(b, t, s);
	buf_str(b, "ELSIF NOT (");
	pg_put_differs(b, t, s, "\"etl.p\"", "\"etl.r\"");
	buf_str(b, ") THEN\n");
	put_set_seen(b, t);
	buf_printf(b, "ELSIF \"etl.p\".%s OPERATOR(pg_catalog.=) \"etl.at\" "
	    "THEN\n", from);
	put_correct_found(b, t, s);
	buf_str(b, "ELSE\n");
	put_split_found(b, t, s);
	buf_str(b, "END IF;\nEND;\n");
}

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
	struct chunk_facts c = { .state = CHUNK_STAGING };

	if (pg_chunk_begin(s, !o->begun, e) == -1 ||
	    pg_stage_begin(s, e) == -1 ||
	    pg_rows_copy(&s->rows, o, true, e) == -1)
		return -1;
	if (s->rows.n > 0) {
		pg_chunk_note_rows(s, &c);
		if (pg_copy_to_stage(s, o, e) == -1 ||
		    pg_analyze_stage(s, &c, e) == -1)
			return -1;
	}
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
	pg_note_dead_rows(s);
	return rc == -1 ? SINK_FAILED : SINK_DONE;
}

const struct sink_late pg_late = {
	.lock = lock_table,
	.find = find_late,
};
