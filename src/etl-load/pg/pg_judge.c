#include "columns_sql.h"
#include "pg/pg_merge.h"
#include "pg/pg_sink.h"
#include "pg/pg_sql.h"
#include "pg/pg_way.h"

#include <string.h>

/* The constant texts from `head` to `tail`, with SQL for the columns between
 * them, make one PL/pgSQL block (DO). The block merges the rows of the staging
 * table one by one, in the order of the input. It reads them in groups of at
 * most 256 rows.
 * A subtransaction takes time, so the block merges many rows in each. If a row
 * fails, PostgreSQL undoes the subtransaction. The block then merges the rows
 * before the failed row again, and tries the failed row as the first one of the
 * next subtransaction. If it fails there too, the block refuses this row.
 * If the rules allow it, the block first tries one statement for the group.
 * An INSERT ... ON CONFLICT is refused if the row would break NOT NULL or a
 * CHECK as a new row, also if a row with its key exists. A record whose key has
 * a row is an update. So the block tries a refused row once more ("etl.judge"),
 * as an update. "etl.updates" is true if this was successful for a record that
 * lacks columns; then the block tries such records as updates at once.
 * The array "etl.how" has the result of each row: 1 inserted, 2 updated, 3
 * unchanged, 4 deleted, 5 row to delete is missing, 6 older than its row
 * (--newer-by), 0 refused.
 * Names that begin with "etl." cannot collide with columns, because pg_sink.c
 * refuses tables with such columns. */
static const char head[] =
    "DO $etl$\n"
    "#variable_conflict use_column\n"
    "DECLARE \"etl.g\" record; \"etl.r\" " PG_STAGE "%s;\n"
    "\"etl.rows\" " PG_STAGE "%s[]; \"etl.how\" int[]; \"etl.new\" boolean;\n"
    "\"etl.i\" int; \"etl.from\" int; \"etl.to\" int; \"etl.last\" int;\n"
    "\"etl.again\" int := -1; \"etl.none\" int;\n"
    "\"etl.judge\" int := -1; \"etl.updates\" boolean := false;\n"
    "\"etl.size\" int := 256; \"etl.first\" boolean := true;\n"
    "\"etl.more\" boolean; \"etl.state\" text; \"etl.message\" text;\n"
    "\"etl.col\" text; \"etl.con\" text;\n"
    "\"etl.found\" boolean; \"etl.gone\" boolean;\n"
    "\"etl.inserted\" int; \"etl.written\" int;\n"
    "BEGIN\n"
    "SET CONSTRAINTS ALL IMMEDIATE;\n"
    "SELECT pg_catalog.array_fill(0, ARRAY[pg_catalog.max(\"etl.n\") + 1]) "
    "INTO \"etl.how\" FROM " PG_STAGE "%s;\n"
    "LOOP\n"
    "\"etl.more\" := false;\n";

static const char groups[] =
    "FOR \"etl.g\" IN SELECT pg_catalog.array_agg(x.\"etl.x\" "
    "ORDER BY (x.\"etl.x\").\"etl.n\") AS rows FROM (SELECT \"etl.x\", "
    "(pg_catalog.row_number() OVER (ORDER BY \"etl.n\") - 1) / 256 AS block "
    "FROM " PG_STAGE "%s AS \"etl.x\" WHERE \"etl.first\" OR EXISTS "
    "(SELECT FROM " PG_FOUND " AS f WHERE f.n = \"etl.n\" AND f.waits)"
    ") AS x GROUP BY block ORDER BY block LOOP\n"
    "\"etl.rows\" := \"etl.g\".rows;\n"
    "\"etl.last\" := pg_catalog.cardinality(\"etl.rows\");\n"
    "\"etl.i\" := 1;\n";

static const char rows_of_group[] =
    "\"etl.to\" := least(\"etl.size\", \"etl.last\");\n"
    "WHILE \"etl.i\" <= \"etl.last\" LOOP\n"
    "\"etl.from\" := \"etl.i\";\n"
    "BEGIN\n"
    "WHILE \"etl.i\" <= \"etl.to\" LOOP\n"
    "\"etl.r\" := \"etl.rows\"[\"etl.i\"];\n"
    "\"etl.new\" := NULL;\n"
    "\"etl.found\" := false;\n"
    "\"etl.none\" := 3;\n"
    "CASE \"etl.r\".\"etl.s\"\n";

static const char row_end[] =
    "\"etl.how\"[\"etl.r\".\"etl.n\" + 1] := CASE WHEN \"etl.gone\" THEN 4 "
    "WHEN NOT \"etl.gone\" THEN 5 WHEN \"etl.new\" THEN 1 "
    "WHEN \"etl.new\" IS NULL THEN \"etl.none\" ELSE 2 END;\n"
    "\"etl.i\" := \"etl.i\" + 1;\n"
    "END LOOP;\n"
    "\"etl.more\" := true;\n"
    "\"etl.size\" := least(2 * \"etl.size\", 256);\n"
    "\"etl.to\" := least(\"etl.to\" + \"etl.size\", \"etl.last\");\n";

static const char exception[] =
    "EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN\n"
    "GET STACKED DIAGNOSTICS \"etl.state\" = RETURNED_SQLSTATE, "
    "\"etl.message\" = MESSAGE_TEXT, \"etl.col\" = COLUMN_NAME, "
    "\"etl.con\" = CONSTRAINT_NAME;\n"
    "IF pg_catalog.left(\"etl.state\", 2) IN ('08', '53') OR "
    "pg_catalog.left(\"etl.state\", 3) = '57P'";

/* The statement returns only how many rows were inserted and how many were
 * written (inserted or updated). The block sets as many rows of the group, in
 * any order, to "inserted" and "updated". This is enough: each row has its own
 * key, and only the sums are reported. */
static const char group_end[] =
    " SELECT pg_catalog.count(*) FILTER (WHERE new), pg_catalog.count(*) "
    "INTO \"etl.inserted\", \"etl.written\" FROM m;\n"
    "WHILE \"etl.i\" <= \"etl.last\" LOOP\n"
    "\"etl.r\" := \"etl.rows\"[\"etl.i\"];\n"
    "\"etl.how\"[\"etl.r\".\"etl.n\" + 1] := "
    "CASE WHEN \"etl.i\" <= \"etl.inserted\" THEN 1 "
    "WHEN \"etl.i\" <= \"etl.written\" THEN 2 ELSE 3 END;\n"
    "\"etl.i\" := \"etl.i\" + 1;\n"
    "END LOOP;\n";

#define MAY_PASS "\"etl.state\" IN ('40001', '40P01', '55P03', '57014')"

static const char raise_transient[] =
    " OR " MAY_PASS " THEN\nRAISE;\nEND IF;\n";

/* Used if judge_all is set. A row is refused for an error that usually passes
 * only if it has this error twice in succession. If an administrator cancels
 * the statement, or a time-out of the session ends it, the current row has the
 * error only once. */
static const char retry_transient[] = " THEN\nRAISE;\nEND IF;\n"
    "IF \"etl.i\" = \"etl.from\" AND " MAY_PASS
    " AND \"etl.again\" <> \"etl.r\".\"etl.n\" THEN\n"
    "\"etl.again\" := \"etl.r\".\"etl.n\";\n"
    "CONTINUE;\n"
    "END IF;\n";

static const char not_first[] =
    "IF \"etl.i\" > \"etl.from\" THEN\n"
    "\"etl.size\" := \"etl.i\" - \"etl.from\";\n"
    "\"etl.to\" := \"etl.i\" - 1;\n"
    "\"etl.i\" := \"etl.from\";\n";

static const char refused[] =
    "ELSE\n"
    "\"etl.how\"[\"etl.r\".\"etl.n\" + 1] := 0;\n"
    "IF \"etl.first\" THEN\n"
    "INSERT INTO " PG_FOUND " VALUES (\"etl.r\".\"etl.n\", \"etl.state\", "
    "\"etl.message\", \"etl.col\", \"etl.con\", \"etl.state\" = '23503');\n"
    "END IF;\n"
    "\"etl.size\" := greatest(\"etl.size\" / 2, 1);\n"
    "\"etl.to\" := least(\"etl.i\" + \"etl.size\", \"etl.last\");\n"
    "\"etl.i\" := \"etl.i\" + 1;\n"
    "END IF;\n"
    "END;\n"
    "END LOOP;\n"
    "END LOOP;\n"
    "\"etl.first\" := false;\n";

/* Used only if the table refers to itself: a refused row may refer to a row
 * that comes later. The block tries the refused rows again until a pass over
 * them has merged none. */
static const char retry_waiting[] =
    "DELETE FROM " PG_FOUND " AS f WHERE \"etl.how\"[f.n + 1] > 0;\n"
    "EXIT WHEN NOT \"etl.more\" OR NOT EXISTS (SELECT FROM " PG_FOUND
    " AS f WHERE f.waits);\n"
    "END LOOP;\n";

static const char no_retry[] =
    "EXIT;\n"
    "END LOOP;\n";

/* Adds the row with item -1, which has the counts, to PG_FOUND. Of the merged
 * rows of one key, one counts as inserted, updated, unchanged or skipped, in
 * this order: as inserted if one of them was inserted, else as updated if one
 * was updated, and so on. The others count as superseded. The column `most`
 * gets the number of rows of the key with the most rows. */
static const char counts[] =
    "INSERT INTO " PG_FOUND " SELECT -1, NULL, NULL, NULL, NULL, false, "
    "pg_catalog.count(*) FILTER (WHERE best = 1), "
    "pg_catalog.count(*) FILTER (WHERE best = 2), "
    "pg_catalog.count(*) FILTER (WHERE best = 3), "
    "coalesce(pg_catalog.sum(n - 1), 0), coalesce(pg_catalog.max(n), 0), "
    "pg_catalog.count(*) FILTER (WHERE best = 6), 0, 0, "
    "\"etl.updates\"::int "
    "FROM (SELECT pg_catalog.min(how) AS best, pg_catalog.count(*) AS n "
    "FROM (SELECT x.*, \"etl.how\"[\"etl.n\" + 1] AS how FROM " PG_STAGE;

static const char tail[] =
    ") AS x;\n"
    "END $etl$";

static void
put_row_insert(struct buf *b, const struct target *t, const struct shape *s)
{
	bool any = s->n > 0 || t->touch != NO_COLUMN || t->seen != NO_COLUMN;
	bool notes = pg_notes_inserted(t);

	buf_str(b, notes ? "WITH m(new) AS (" : "");
	pg_put_insert(b, t, s);
	buf_str(b, any ? " VALUES (" : " DEFAULT VALUES");
	pg_put_source(b, t, s, "\"etl.r\"");
	if (any)
		buf_str(b, ")");
	pg_put_on_conflict(b, t, s);
	if (notes) {
		buf_char(b, ')');
		pg_put_note_returned(b, t);
		buf_str(b, " SELECT new");
	}
	buf_printf(b, " INTO \"etl.new\"%s;\n", notes ? " FROM m" : "");
}

/* Appends a statement that sets "etl.none" to 6 if the row of the record is
 * newer, which is why the record was not loaded. The merge of the record has
 * locked the row, so the result is still right. */
static void
put_note_older(struct buf *b, const struct target *t)
{
	if (t->newer_by == NO_COLUMN)
		return;
	buf_printf(b, "IF \"etl.new\" IS NULL AND EXISTS (SELECT FROM %s AS "
	    "\"etl.t\" WHERE ", t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	buf_str(b, " AND ");
	pg_put_is_newer(b, t, "\"etl.t\"", "\"etl.r\"");
	buf_str(b, ") THEN\n\"etl.none\" := 6;\nEND IF;\n");
}

/* Appends the UPDATE that sets the column of --seen. It is run if the record
 * has not changed its row. */
static void
put_row_seen(struct buf *b, const struct target *t)
{
	const char *seen;

	if (!t->mode->updates || t->seen == NO_COLUMN)
		return;
	seen = t->table->columns[t->seen].quoted;
	buf_printf(b, "IF \"etl.new\" IS NULL AND \"etl.gone\" IS NULL THEN\n"
	    "UPDATE %s AS \"etl.t\" "
	    "SET %s = pg_catalog.now() WHERE ", t->table->quoted, seen);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	buf_printf(b, " AND (\"etl.t\".%s OPERATOR(pg_catalog.=) "
	    "pg_catalog.now()) IS NOT TRUE;\nEND IF;\n", seen);
}

static bool
finds_rows_by_key(const struct target *t)
{
	return t->mode->keyed && !t->mode->history;
}

/* Other triggers and indexes than that of the key may see the order of the
 * records (in_order), and a trigger BEFORE INSERT may change what an upsert
 * writes to a row that exists. A row policy (secured) may hide a row from
 * UPDATE. Then the INSERT is tried first. */
bool
pg_updates_first(const struct target *t, const struct shape *s,
    const struct pg_row_rules *rules)
{
	return finds_rows_by_key(t) && !rules->in_order && !rules->secured &&
	    shape_lacks_column(t, s, !rules->first_updates);
}

/* Appends the statements that apply the record "etl.r" as an update if its key
 * has a row. Usually they are run only for a record that was refused as a new
 * row. */
static void
put_row_update(struct buf *b, const struct target *t, const struct shape *s,
    const struct pg_row_rules *rules)
{
	bool learns = !rules->in_order && shape_lacks_column(t, s, false);

	if (pg_updates_first(t, s, rules))
		buf_str(b, "IF NOT \"etl.found\" THEN\n");
	else
		buf_printf(b, "IF NOT \"etl.found\" AND (%s\"etl.judge\" = "
		    "\"etl.r\".\"etl.n\") THEN\n",
		    learns ? "\"etl.updates\" OR " : "");
	pg_put_update_found(b, t, s, rules->secured);
	if (learns)
		buf_str(b, "IF \"etl.found\" AND \"etl.judge\" = "
		    "\"etl.r\".\"etl.n\" THEN\n"
		    "\"etl.updates\" := true;\nEND IF;\n");
	buf_str(b, "END IF;\n");
}

/* Appends the branch of the exception handler that begins to judge a refused
 * row as an update, if a row with its key exists. */
static void
put_judge_update(struct buf *b, const struct target *t)
{
	if (!finds_rows_by_key(t))
		return;
	buf_printf(b, "ELSIF \"etl.judge\" <> \"etl.r\".\"etl.n\"%s AND "
	    "EXISTS (SELECT FROM %s AS \"etl.t\" WHERE ",
	    t->mode->changes ? " AND \"etl.r\".\"etl.o\" = 'I'" : "",
	    t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	buf_str(b, ") THEN\n\"etl.judge\" := \"etl.r\".\"etl.n\";\n");
}

/* A refused row may wait for the row that it refers to. If a later row of the
 * same key has been merged, the refused row must not overwrite it: it stays
 * refused. Appends the UPDATE that ends the wait of such rows. */
static void
put_end_waits(struct buf *b, const struct target *t)
{
	if (!t->mode->updates)
		return;
	buf_str(b, "UPDATE " PG_FOUND " AS f SET waits = false FROM "
	    "(SELECT \"etl.n\", pg_catalog.max(\"etl.n\") "
	    "FILTER (WHERE \"etl.how\"[\"etl.n\" + 1] > 0) OVER "
	    "(PARTITION BY ");
	sql_put_key(b, t);
	buf_printf(b, ") AS last FROM " PG_STAGE "%s) AS w "
	    "WHERE f.n = w.\"etl.n\" AND w.last > f.n;\n", t->suffix);
}

static void
put_group_at_once(struct buf *b, const struct target *t,
    const struct shape *s, bool first_updates)
{
	buf_str(b, "BEGIN\n");
	pg_put_merge_begin(b, t, s, first_updates);
	buf_str(b, " FROM pg_catalog.unnest(\"etl.rows\") AS w");
	pg_put_merge_end(b, t, s, first_updates, false);
	buf_str(b, group_end);
	buf_str(b, exception);
	buf_str(b, " THEN\nRAISE;\nEND IF;\nEND;\n");
}

/* Merges the staged rows of the used shapes one by one, as if each had been in
 * a batch of its own. Writes each refused row to PG_FOUND. */
static void
pg_put_merge_singly(struct buf *b, const struct target *t,
    struct shape *const *shapes, const bool *used, size_t n,
    const struct pg_row_rules *rules)
{
	buf_printf(b, head, t->suffix, t->suffix, t->suffix);
	buf_printf(b, groups, t->suffix);
	for (size_t i = 0; i < n && rules->group_at_once; i++)
		if (used[i])
			put_group_at_once(b, t, shapes[i],
			    pg_updates_first(t, shapes[i], rules));
	buf_str(b, rows_of_group);
	for (size_t i = 0; i < n; i++) {
		if (!used[i])
			continue;
		buf_printf(b, "WHEN %zu THEN\n", shapes[i]->id);
		if (t->mode->history) {
			pg_put_history_row(b, t, shapes[i]);
			continue;
		}
		if (t->mode->changes)
			pg_put_row_change(b, t, shapes[i], rules->secured);
		if (finds_rows_by_key(t))
			put_row_update(b, t, shapes[i], rules);
		buf_str(b, "IF NOT \"etl.found\" THEN\n");
		put_row_insert(b, t, shapes[i]);
		buf_str(b, "END IF;\n");
	}
	buf_str(b, "END CASE;\n");
	put_note_older(b, t);
	put_row_seen(b, t);
	buf_str(b, row_end);
	buf_str(b, exception);
	buf_str(b, rules->judge_all ? retry_transient : raise_transient);
	buf_str(b, not_first);
	put_judge_update(b, t);
	buf_str(b, refused);
	if (rules->refers_to_itself)
		put_end_waits(b, t);
	buf_str(b, rules->refers_to_itself ? retry_waiting : no_retry);
	buf_str(b, t->mode->changes ? pg_counts_of_changes : counts);
	buf_printf(b, "%s AS x) AS x %sGROUP BY ", t->suffix,
	    t->mode->changes ? "" : "WHERE how > 0 ");
	if (t->mode->updates)
		sql_put_key(b, t);
	else
		buf_str(b, "\"etl.n\"");
	buf_str(b, tail);
}

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
		s->mood.first_updates |= db_column(r, 14).i != 0;
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
	struct sums none = { 0 };
	const char *t;

	if (s->target->mode->changes)
		return pg_try_changes(s, e);
	if (s->target->mode->history) {
		s->failed_item = row->item;
		if (pg_history_round(s, 0, &none, e) == -1)
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
may_merge_groups(struct pg_sink *s, struct chunk_facts *c, bool *may,
    struct err *e)
{
	const struct target *t = s->target;

	*may = c->staged > 1 && !s->facts.one_by_one &&
	    !s->facts.refers_to_itself && !t->mode->changes &&
	    !t->mode->history && t->newer_by == NO_COLUMN &&
	    t->seen == NO_COLUMN && !pg_notes_inserted(t) && c->shapes == 1;
	if (!*may || !t->mode->updates)
		return 0;
	if (pg_count_keys(s, c, e) == -1)
		return -1;
	*may = (uint64_t)c->keys == c->staged;
	return 0;
}

int
pg_merge_singly(struct pg_sink *s, struct outcome *o, struct chunk_facts *c,
    struct err *e)
{
	/* In --mode cdc and scd2 no record waits for a later one, because
	 * changes must be applied in their order. */
	struct pg_row_rules rules = {
		.refers_to_itself = s->facts.refers_to_itself &&
		    !s->target->mode->changes && !s->target->mode->history,
		.judge_all = o->judge_all, .in_order = s->facts.in_order,
		.secured = s->facts.secured,
		.first_updates = s->mood.first_updates };
	uint64_t before = o->sums.superseded;

	if (s->target->mode->history && (uint64_t)c->most > o->most_equal &&
	    (c->tried & 1U << PG_MERGE_ROUNDS) == 0)
		o->most_equal = (uint64_t)c->most;
	if (check_merge(s, e) == -1 ||
	    may_merge_groups(s, c, &rules.group_at_once, e) == -1)
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
		s->mood.twice = true;
	return 1;
}
