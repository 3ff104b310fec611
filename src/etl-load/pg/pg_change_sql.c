#include "pg/pg_change_sql.h"

#include "pg/pg_newer.h"
#include "pg/pg_stage_sql.h"
#include "table/columns_sql.h"
#include "table/soft_delete.h"

#include <inttypes.h>
#include <stdio.h>

void
pg_put_round_table(struct buf *b, const struct target *t)
{
	buf_printf(b, "CREATE TEMP TABLE IF NOT EXISTS etl_load_round "
	    "(n int, round int8) %s; DELETE FROM " PG_ROUND, t->on_commit);
}

void
pg_put_fill_rounds(struct buf *b, const struct target *t)
{
	buf_str(b, "INSERT INTO " PG_ROUND " SELECT n, round FROM "
	    "(SELECT \"etl.n\" AS n, pg_catalog.row_number() OVER "
	    "(PARTITION BY ");
	sql_put_key(b, t);
	buf_printf(b, " ORDER BY \"etl.n\") AS round FROM " PG_STAGE
	    "%s) AS x WHERE round > 1", t->suffix);
}

static void
put_is_in_round(struct buf *b, const struct pg_round *r)
{
	if (r->number == 0)
		buf_str(b, "false");
	else if (r->alone)
		buf_str(b, "true");
	else if (r->number == 1)
		buf_str(b, "NOT EXISTS (SELECT FROM " PG_ROUND " AS \"etl.d\" "
		    "WHERE \"etl.d\".n = \"etl.n\")");
	else
		buf_printf(b, "EXISTS (SELECT FROM " PG_ROUND " AS \"etl.d\" "
		    "WHERE \"etl.d\".n = \"etl.n\" AND \"etl.d\".round = "
		    "%" PRId64 ")", r->number);
}

void
pg_put_upsert_round(struct buf *b, const struct target *t,
    const struct shape *s, const struct pg_round *r, bool first_updates)
{
	pg_put_merge_begin(b, t, s, first_updates);
	buf_printf(b, " FROM " PG_STAGE "%s AS w WHERE \"etl.s\" = %zu "
	    "AND \"etl.o\" <> 'D' AND ", t->suffix, s->id);
	put_is_in_round(b, r);
	pg_put_order_by(b, t);
	pg_put_merge_end(b, t, s, first_updates, false);
	buf_str(b, " SELECT pg_catalog.count(*), "
	    "pg_catalog.count(*) FILTER (WHERE new) FROM m");
}

/* Appends DELETE FROM t AS "etl.t" or, with --soft-delete, the UPDATE that
 * marks rows as deleted. The caller appends the condition. */
static void
put_delete_head(struct buf *b, const struct target *t)
{
	bool marks = t->soft_delete != NO_COLUMN;

	buf_printf(b, "%s %s AS \"etl.t\"", marks ? "UPDATE" : "DELETE FROM",
	    t->table->quoted);
	if (marks) {
		buf_str(b, " SET ");
		pg_put_mark_deleted(b, t);
	}
}

/* With --soft-delete, appends a condition that excludes rows that are already
 * marked as deleted. */
static void
put_not_marked(struct buf *b, const struct target *t)
{
	if (t->soft_delete == NO_COLUMN)
		return;
	buf_str(b, " AND NOT (");
	soft_delete_put_marked(b, t, "\"etl.t\".");
	buf_str(b, ")");
}

void
pg_put_delete_round(struct buf *b, const struct target *t,
    const struct pg_round *r)
{
	put_delete_head(b, t);
	buf_printf(b, " %s (SELECT ",
	    t->soft_delete != NO_COLUMN ? "FROM" : "USING");
	sql_put_key(b, t);
	buf_printf(b, " FROM " PG_STAGE "%s WHERE \"etl.o\" = 'D' AND ",
	    t->suffix);
	put_is_in_round(b, r);
	pg_put_order_by(b, t);
	buf_str(b, ") AS w WHERE ");
	pg_put_same_key(b, t, "\"etl.t\"", "w");
	put_not_marked(b, t);
}

/* Appends nothing unless --strict is given. */
static void
put_raise_missing(struct buf *b, const struct target *t,
    enum operation operation)
{
	if (t->strict)
		buf_printf(b, "IF NOT \"etl.found\" THEN\nRAISE EXCEPTION "
		    "USING ERRCODE = '" PG_NO_ROW "', MESSAGE = '%s';\n"
		    "END IF;\n", change_missing_why(operation));
}

/* Appends the statements that delete the row of "etl.r", or mark it as deleted,
 * and set "etl.gone". */
static void
put_delete_row(struct buf *b, const struct target *t)
{
	put_delete_head(b, t);
	buf_str(b, " WHERE ");
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	put_not_marked(b, t);
	buf_str(b, ";\n\"etl.gone\" := FOUND;\n\"etl.found\" := FOUND;\n");
	put_raise_missing(b, t, OPERATION_DELETE);
}

static void
put_has_old_key(struct buf *b, const struct target *t)
{
	for (size_t i = 0; i < t->nkey; i++) {
		char name[CHANGE_NAME], quoted[CHANGE_NAME + 2];

		change_old_name(name, i);
		(void)snprintf(quoted, sizeof(quoted), "\"%s\"", name);
		buf_str(b, i > 0 ? " AND " : " WHERE ");
		pg_put_equal(b, &t->table->columns[t->key[i]], "\"etl.t\"",
		    "\"etl.r\"", quoted);
	}
}

/* If the update changes the key, appends an UPDATE that finds the row by the
 * old key. It leaves a row alone that is already as the record says: the two
 * keys may be spellings of one value. Or there is no row with the old key
 * because the same update was applied before. The statements of
 * put_update_by_key() then find the row with the new key. */
static void
put_move_row(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_str(b, "IF \"etl.r\".");
	pg_put_old_column(b, 0);
	buf_printf(b, " IS NOT NULL THEN\nUPDATE %s AS \"etl.t\" SET ",
	    t->table->quoted);
	pg_put_assignments(b, t, s, "\"etl.r\"", true);
	put_has_old_key(b, t);
	buf_str(b, " AND (");
	pg_put_row_differs(b, t, s, "\"etl.r\"", true);
	buf_str(b, ");\nIF FOUND THEN\n\"etl.new\" := false;\nEND IF;\n"
	    "\"etl.found\" := FOUND;\n");
	if (t->strict) {
		buf_printf(b, "\"etl.found\" := \"etl.found\" OR EXISTS "
		    "(SELECT FROM %s AS \"etl.t\"", t->table->quoted);
		put_has_old_key(b, t);
		buf_str(b, " AND (");
		pg_put_row_differs(b, t, s, "\"etl.r\"", true);
		buf_str(b, ") IS NOT TRUE);\n");
		put_raise_missing(b, t, OPERATION_UPDATE);
	}
	buf_str(b, "END IF;\n");
}

void
pg_put_update_found(struct buf *b, const struct target *t,
    const struct shape *s, bool secured)
{
	bool updates = t->mode->updates && shape_can_change(t, s);

	if (updates) {
		pg_put_update_row(b, t, s, "\"etl.r\"", "");
		buf_str(b, ";\nIF FOUND THEN\n\"etl.new\" := false;\n"
		    "END IF;\n\"etl.found\" := FOUND;\n");
	}
	buf_printf(b, "IF NOT \"etl.found\" THEN\n\"etl.found\" := EXISTS "
	    "(SELECT FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	if (secured && updates) {
		buf_str(b, " AND ((");
		pg_put_row_differs(b, t, s, "\"etl.r\"", false);
		buf_str(b, ") IS NOT TRUE");
		if (t->newer_by != NO_COLUMN) {
			buf_str(b, " OR ");
			pg_put_is_newer(b, t, "\"etl.t\"", "\"etl.r\"");
		}
		buf_char(b, ')');
	}
	buf_str(b, ");\nEND IF;\n");
}

void
pg_put_row_change(struct buf *b, const struct target *t, const struct shape *s,
    bool secured)
{
	buf_str(b, "\"etl.gone\" := NULL;\n"
	    "IF \"etl.r\".\"etl.o\" = 'D' THEN\n");
	put_delete_row(b, t);
	buf_str(b, "\"etl.found\" := true;\n"
	    "ELSIF \"etl.r\".\"etl.o\" = 'U' THEN\n");
	put_move_row(b, t, s);
	buf_str(b, "IF NOT \"etl.found\" THEN\n");
	pg_put_update_found(b, t, s, secured);
	put_raise_missing(b, t, OPERATION_UPDATE);
	buf_str(b, "END IF;\nEND IF;\n");
}

/* Adds the row with item -1, which has the counts, to PG_FOUND. Each change is
 * counted, also if its key has several changes. The column `most` gets the
 * number of changes of the key with the most changes. */
const char pg_counts_of_changes[] =
    "INSERT INTO " PG_FOUND " SELECT -1, NULL, NULL, NULL, NULL, false, "
    "coalesce(pg_catalog.sum(ins), 0), coalesce(pg_catalog.sum(upd), 0), "
    "coalesce(pg_catalog.sum(unc), 0), 0, coalesce(pg_catalog.max(n), 0), 0, "
    "coalesce(pg_catalog.sum(del), 0), coalesce(pg_catalog.sum(mis), 0), "
    "\"etl.updates\"::int "
    "FROM (SELECT pg_catalog.count(*) AS n, "
    "pg_catalog.count(*) FILTER (WHERE how = 1) AS ins, "
    "pg_catalog.count(*) FILTER (WHERE how = 2) AS upd, "
    "pg_catalog.count(*) FILTER (WHERE how = 3) AS unc, "
    "pg_catalog.count(*) FILTER (WHERE how = 4) AS del, "
    "pg_catalog.count(*) FILTER (WHERE how = 5) AS mis "
    "FROM (SELECT x.*, \"etl.how\"[\"etl.n\" + 1] AS how FROM " PG_STAGE;
