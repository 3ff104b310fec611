#include "undo/undo_rows.h"

#include "base/text.h"
#include "images/image_sql.h"

#include <string.h>

/* How many rows a message names. */
enum { ROWS_SHOWN = 3 };

#define OF_RUN " b.run = $1 AND b.target = $2"

static void
put_images(struct buf *b, const struct undo_rows *u)
{
	static const char schema[] = "{schema}.";

	(void)db_append_schema_if_at_placeholder(u->db, b, schema);
	buf_str(b, "etl_before AS b");
}

static void
put_has_key(struct buf *b, const struct undo_rows *u)
{
	image_put_has_key(b, db_kind(u->db), u->table, u->key, u->nkey,
	    "\"etl.t\"", "b.key");
}

int
undo_rows_lock_table(const struct undo_rows *u, struct err *e)
{
	struct buf b;
	const char *sql;
	int rc = -1;

	if (db_kind(u->db) == DB_SQLITE)
		return db_script(u->db, "PRAGMA defer_foreign_keys = ON", e);
	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE; "
	    "SET CONSTRAINTS ALL DEFERRED", u->table->quoted);
	if ((sql = buf_text_or_fail(&b, e)) != NULL)
		rc = db_script(u->db, sql, e);
	buf_release(&b);
	return rc;
}

/* Appends a query that lists the keys of rows that differ from their image.
 * `side` is the column of the image: before or after the run. If `disturbed` is
 * set, the query also lists rows that another session has changed between two
 * batches of the run. */
static void
put_differing_keys(
    struct buf *b, const struct undo_rows *u, const char *side, bool disturbed)
{
	bool lite = db_kind(u->db) == DB_SQLITE;

	buf_str(b, "SELECT b.key FROM ");
	put_images(b, u);
	buf_printf(b, " WHERE" OF_RUN " AND (%sb.%s %s (SELECT ",
	    disturbed ? "b.disturbed OR " : "", side,
	    lite ? "IS NOT" : "IS DISTINCT FROM");
	image_put_row(b, db_kind(u->db), u->table, "\"etl.t\"");
	buf_printf(b, " FROM %s AS \"etl.t\" WHERE ", u->table->quoted);
	put_has_key(b, u);
	buf_printf(b, ")) ORDER BY b.key%s LIMIT %d",
	    lite ? "" : " COLLATE pg_catalog.\"C\"", ROWS_SHOWN + 1);
}

/* Appends the keys that the query returns; *n is their number. */
static int
list_keys(const struct undo_rows *u, const char *sql, struct buf *keys, int *n,
    struct err *e)
{
	const struct db_value v[] = { db_text(u->run),
		db_text(u->table->full) };
	struct db_rows *r;
	int rc;

	*n = 0;
	if (db_query(u->db, &r, sql, v, 2, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		struct db_value key = db_column(r, 0);

		if ((*n)++ == ROWS_SHOWN)
			buf_str(keys, " and others");
		if (*n > ROWS_SHOWN)
			continue;
		buf_str(keys, *n > 1 ? ", " : "");
		text_show(keys, key.p, text_cut_length(key.p, key.len, 200));
	}
	db_end(r);
	return rc;
}

static int
fail_if_rows_differ(const struct undo_rows *u, const char *side, bool disturbed,
    const char *why, struct err *e)
{
	struct buf sql, keys;
	const char *text;
	int n = 0, rc = -1;

	buf_init(&sql, SIZE_MAX / 4);
	buf_init(&keys, 64 << 10);
	put_differing_keys(&sql, u, side, disturbed);
	if ((text = buf_text_or_fail(&sql, e)) != NULL)
		rc = list_keys(u, text, &keys, &n, e);
	if (rc == 0 && n > 0)
		rc = err_set(e, ERR_DATA, false, "table %s: %s: nothing was "
		    "undone; the keys of these rows: %s", u->table->name, why,
		    buf_text(&keys));
	buf_release(&sql);
	buf_release(&keys);
	return rc;
}

int
undo_rows_check_left(const struct undo_rows *u, struct err *e)
{
	return fail_if_rows_differ(u, "after", true, "rows are no longer as "
	    "the run has left them, because a later run or another session "
	    "has changed them", e);
}

int
undo_rows_check_restored(const struct undo_rows *u, struct err *e)
{
	return fail_if_rows_differ(u, "before", false, "rows did not get the "
	    "values back that they had before the run, because a trigger, a "
	    "rule or a foreign key of the table changes them", e);
}

static bool
is_key(const struct undo_rows *u, size_t column)
{
	for (size_t i = 0; i < u->nkey; i++)
		if (u->key[i] == column)
			return true;
	return false;
}

static void
put_delete(struct buf *b, const struct undo_rows *u)
{
	buf_printf(b, "DELETE FROM %s AS \"etl.t\" WHERE EXISTS "
	    "(SELECT 1 FROM ", u->table->quoted);
	put_images(b, u);
	buf_str(b, " WHERE" OF_RUN " AND b.before IS NULL AND ");
	put_has_key(b, u);
	buf_char(b, ')');
}

/* Appends an UPDATE that gives changed rows their values from before the run.
 * It does not set the key, which is the same. Returns false if the table has no
 * other column that can be set. */
static bool
put_update(struct buf *b, const struct undo_rows *u)
{
	const struct table *t = u->table;
	const char *comma = "";

	buf_printf(b, "UPDATE %s AS \"etl.t\" SET ", t->quoted);
	for (size_t i = 0; i < t->n; i++) {
		if (t->columns[i].generated || is_key(u, i))
			continue;
		buf_printf(b, "%s%s = ", comma, t->columns[i].quoted);
		image_put_value(
		    b, db_kind(u->db), &t->columns[i], "b.before", i);
		comma = ", ";
	}
	buf_str(b, " FROM ");
	put_images(b, u);
	buf_str(b, " WHERE" OF_RUN " AND b.before <> b.after AND ");
	put_has_key(b, u);
	return *comma != '\0';
}

static bool
is_inserted(const struct column *c)
{
	return !c->generated || c->identity;
}

static void
put_insert(struct buf *b, const struct undo_rows *u)
{
	const struct table *t = u->table;
	const char *comma = "";
	bool identity = false;

	buf_printf(b, "INSERT INTO %s (", t->quoted);
	for (size_t i = 0; i < t->n; i++)
		if (is_inserted(&t->columns[i])) {
			buf_printf(b, "%s%s", comma, t->columns[i].quoted);
			identity |= t->columns[i].identity;
			comma = ", ";
		}
	buf_printf(b, ")%s SELECT ",
	    identity ? " OVERRIDING SYSTEM VALUE" : "");
	comma = "";
	for (size_t i = 0; i < t->n; i++)
		if (is_inserted(&t->columns[i])) {
			buf_str(b, comma);
			image_put_value(b, db_kind(u->db), &t->columns[i],
			    "b.before", i);
			comma = ", ";
		}
	buf_str(b, " FROM ");
	put_images(b, u);
	buf_str(b, " WHERE" OF_RUN " AND b.after IS NULL "
	    "AND b.before IS NOT NULL");
}

static int
run_part(const struct undo_rows *u, struct buf *b, int64_t *n, struct err *e)
{
	const struct db_value v[] = { db_text(u->run),
		db_text(u->table->full) };
	const char *sql = buf_text_or_fail(b, e);

	return sql == NULL ? -1 : db_run(u->db, sql, v, 2, n, e);
}

static int
restore_by_three_statements(const struct undo_rows *u, struct buf *b,
    struct undo_counts *n, struct err *e)
{
	put_delete(b, u);
	if (run_part(u, b, &n->deleted, e) == -1)
		return -1;
	buf_clear(b);
	if (put_update(b, u) && run_part(u, b, &n->changed, e) == -1)
		return -1;
	buf_clear(b);
	put_insert(b, u);
	return run_part(u, b, &n->inserted, e);
}

/* Restores all rows by one statement, because PostgreSQL checks a foreign key
 * of the table to itself at the end of a statement, when all rows are as they
 * were. Its parts must run in the order DELETE, UPDATE, INSERT, so that deleted
 * rows free their values of unique indexes. To force this order, a part uses
 * the count of the parts before it. */
static int
restore_by_one_statement(const struct undo_rows *u, struct buf *b,
    struct undo_counts *n, struct err *e)
{
	const struct db_value v[] = { db_text(u->run),
		db_text(u->table->full) };
	struct db_rows *r;
	const char *sql;
	size_t at;
	int rc;

	buf_str(b, "WITH d AS (");
	put_delete(b, u);
	buf_str(b, " RETURNING 1), u AS (");
	at = b->len;
	if (put_update(b, u))
		buf_str(b, " AND (SELECT pg_catalog.count(*) FROM d) >= 0 "
		    "RETURNING 1");
	else if (!b->failed)
		b->len = at, buf_str(b, "SELECT 1 WHERE false");
	buf_str(b, "), i AS (");
	put_insert(b, u);
	buf_str(b, " AND (SELECT pg_catalog.count(*) FROM d) >= 0 "
	    "AND (SELECT pg_catalog.count(*) FROM u) >= 0 RETURNING 1) "
	    "SELECT (SELECT pg_catalog.count(*) FROM d), "
	    "(SELECT pg_catalog.count(*) FROM u), "
	    "(SELECT pg_catalog.count(*) FROM i)");
	if ((sql = buf_text_or_fail(b, e)) == NULL ||
	    db_query(u->db, &r, sql, v, 2, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		*n = (struct undo_counts){ db_column(r, 0).i,
			db_column(r, 1).i, db_column(r, 2).i };
	db_end(r);
	return rc == 1 ? 0 : -1;
}

int
undo_rows_restore(
    const struct undo_rows *u, struct undo_counts *n, struct err *e)
{
	struct buf b;
	int rc;

	*n = (struct undo_counts){ 0 };
	buf_init(&b, SIZE_MAX / 4);
	rc = (db_kind(u->db) == DB_SQLITE ? restore_by_three_statements :
	    restore_by_one_statement)(u, &b, n, e);
	buf_release(&b);
	if (rc == -1)
		err_prefix(e, "table %s: the rows cannot get the values back "
		    "that they had before the run", u->table->name);
	return rc;
}
