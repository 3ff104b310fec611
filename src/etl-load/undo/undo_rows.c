#include "undo/undo_rows.h"

#include "base/text.h"
#include "images/image_sql.h"

#include <stdlib.h>
#include <string.h>

/* How many rows a message names. */
enum { ROWS_SHOWN = 3 };

#define OF_RUN " b.run = $1 AND b.target = $%zu"
enum { TARGET = 2 };            /* the number of the parameter */

static void
put_images(struct buf *b, const struct undo_rows *u)
{
	static const char schema[] = "{schema}.";

	(void)db_put_schema(u->db, b, schema);
	buf_str(b, "etl_before AS b");
}

static void
put_has_key(struct buf *b, const struct undo_rows *u,
    const struct undo_table *t)
{
	image_put_has_key(b, db_kind(u->db), t->table, t->key, t->nkey,
	    "\"etl.t\"", "b.key");
}

int
undo_rows_lock(const struct undo_rows *u, struct err *e)
{
	struct buf b;
	const char *sql;
	int rc = -1;

	if (db_kind(u->db) == DB_SQLITE)
		return db_script(u->db, "PRAGMA defer_foreign_keys = ON", e);
	buf_init(&b, SIZE_MAX / 4);
	buf_str(&b, "LOCK TABLE ");
	for (size_t i = 0; i < u->n; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "",
		    u->tables[i].table->quoted);
	buf_str(&b, " IN SHARE ROW EXCLUSIVE MODE; "
	    "SET CONSTRAINTS ALL DEFERRED");
	if ((sql = buf_finish(&b, e)) != NULL)
		rc = db_script(u->db, sql, e);
	buf_release(&b);
	return rc;
}

/* Appends a query that lists the keys of rows that differ from their image.
 * `side` is the column of the image: before or after the run. If `disturbed` is
 * set, the query also lists rows that another session has changed between two
 * batches of the run. */
static void
put_differing_keys(struct buf *b, const struct undo_rows *u,
    const struct undo_table *t, const char *side, bool disturbed)
{
	bool lite = db_kind(u->db) == DB_SQLITE;

	buf_str(b, "SELECT b.key FROM ");
	put_images(b, u);
	buf_printf(b, " WHERE" OF_RUN " AND (%sb.%s %s (SELECT ",
	    (size_t)TARGET, disturbed ? "b.disturbed OR " : "", side,
	    lite ? "IS NOT" : "IS DISTINCT FROM");
	image_put_row(b, db_kind(u->db), t->table, "\"etl.t\"");
	buf_printf(b, " FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	put_has_key(b, u, t);
	buf_printf(b, ")) ORDER BY b.key%s LIMIT %d",
	    lite ? "" : " COLLATE pg_catalog.\"C\"", ROWS_SHOWN + 1);
}

/* Appends the keys that the query returns; *n is their number. */
static int
list_keys(const struct undo_rows *u, const struct undo_table *t,
    const char *sql, struct buf *keys, int *n, struct err *e)
{
	const struct db_value v[] = { db_text(u->run),
		db_text(t->table->full) };
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

/* Fails if rows of the table differ from their image on this side. */
static int
check_images(const struct undo_rows *u, const struct undo_table *t,
    const char *side, bool disturbed, const char *why, struct err *e)
{
	struct buf sql, keys;
	const char *text;
	int n = 0, rc = -1;

	buf_init(&sql, SIZE_MAX / 4);
	buf_init(&keys, 64 << 10);
	put_differing_keys(&sql, u, t, side, disturbed);
	if ((text = buf_finish(&sql, e)) != NULL)
		rc = list_keys(u, t, text, &keys, &n, e);
	if (rc == 0 && n > 0)
		rc = err_set(e, ERR_DATA, false, "table %s: %s: nothing was "
		    "undone; the keys of these rows: %s", t->table->name, why,
		    buf_text(&keys));
	buf_release(&sql);
	buf_release(&keys);
	return rc;
}

int
undo_rows_check_left(
    const struct undo_rows *u, const struct undo_table *t, struct err *e)
{
	return check_images(u, t, "after", true, "rows are no longer as "
	    "the run has left them, because a later run or another session "
	    "has changed them", e);
}

int
undo_rows_check_restored(
    const struct undo_rows *u, const struct undo_table *t, struct err *e)
{
	return check_images(u, t, "before", false, "rows did not get "
	    "the values back that they had before the run, because a trigger, "
	    "a rule or a foreign key of the table changes them", e);
}

static bool
is_key(const struct undo_table *t, size_t column)
{
	for (size_t i = 0; i < t->nkey; i++)
		if (t->key[i] == column)
			return true;
	return false;
}

/* These functions append the statements for table number i. Its target is the
 * parameter TARGET + i. */
static void
put_delete(struct buf *b, const struct undo_rows *u, size_t i)
{
	const struct undo_table *t = &u->tables[i];

	buf_printf(b, "DELETE FROM %s AS \"etl.t\" WHERE EXISTS "
	    "(SELECT 1 FROM ", t->table->quoted);
	put_images(b, u);
	buf_printf(b, " WHERE" OF_RUN " AND b.before IS NULL AND ",
	    TARGET + i);
	put_has_key(b, u, t);
	buf_char(b, ')');
}

/* Appends an UPDATE that gives changed rows their values from before the run.
 * It does not set the key, which is the same. Returns false if the table has no
 * other column that can be set. */
static bool
put_update(struct buf *b, const struct undo_rows *u, size_t i)
{
	const struct undo_table *of = &u->tables[i];
	const struct table *t = of->table;
	const char *comma = "";

	buf_printf(b, "UPDATE %s AS \"etl.t\" SET ", t->quoted);
	for (size_t c = 0; c < t->n; c++) {
		if (t->columns[c].generated || is_key(of, c))
			continue;
		buf_printf(b, "%s%s = ", comma, t->columns[c].quoted);
		image_put_value(
		    b, db_kind(u->db), &t->columns[c], "b.before", c);
		comma = ", ";
	}
	buf_str(b, " FROM ");
	put_images(b, u);
	buf_printf(b, " WHERE" OF_RUN " AND b.before <> b.after AND ",
	    TARGET + i);
	put_has_key(b, u, of);
	return *comma != '\0';
}

static bool
is_inserted(const struct column *c)
{
	return !c->generated || c->identity;
}

static void
put_insert(struct buf *b, const struct undo_rows *u, size_t i)
{
	const struct table *t = u->tables[i].table;
	const char *comma = "";
	bool identity = false;

	buf_printf(b, "INSERT INTO %s (", t->quoted);
	for (size_t c = 0; c < t->n; c++)
		if (is_inserted(&t->columns[c])) {
			buf_printf(b, "%s%s", comma, t->columns[c].quoted);
			identity |= t->columns[c].identity;
			comma = ", ";
		}
	buf_printf(b, ")%s SELECT ",
	    identity ? " OVERRIDING SYSTEM VALUE" : "");
	comma = "";
	for (size_t c = 0; c < t->n; c++)
		if (is_inserted(&t->columns[c])) {
			buf_str(b, comma);
			image_put_value(b, db_kind(u->db), &t->columns[c],
			    "b.before", c);
			comma = ", ";
		}
	buf_str(b, " FROM ");
	put_images(b, u);
	buf_printf(b, " WHERE" OF_RUN " AND b.after IS NULL "
	    "AND b.before IS NOT NULL", TARGET + i);
}

static int
run_part(const struct undo_rows *u, const struct db_value *v, struct buf *b,
    int64_t *n, struct err *e)
{
	const char *sql = buf_finish(b, e);
	int rc = sql == NULL ? -1 : db_run(u->db, sql, v, u->n + 1, n, e);

	buf_clear(b);
	return rc;
}

/* The statements of each table have only its own target as a parameter, which
 * SQLite permits. */
static int
restore_in_steps(const struct undo_rows *u, const struct db_value *v,
    struct buf *b, struct err *e)
{
	for (size_t i = 0; i < u->n; i++) {
		put_delete(b, u, i);
		if (run_part(u, v, b, &u->tables[i].deleted, e) == -1)
			return -1;
	}
	for (size_t i = 0; i < u->n; i++) {
		if (put_update(b, u, i) &&
		    run_part(u, v, b, &u->tables[i].changed, e) == -1)
			return -1;
		buf_clear(b);
	}
	for (size_t i = u->n; i-- > 0;) {
		put_insert(b, u, i);
		if (run_part(u, v, b, &u->tables[i].inserted, e) == -1)
			return -1;
	}
	return 0;
}

/* Appends the parts dI, uI and iI for table number i: its DELETE, UPDATE and
 * INSERT. They must run in this order, so that deleted rows free their values
 * of unique indexes. To force the order, a part uses the count of the parts
 * before it. */
static void
put_parts(struct buf *b, const struct undo_rows *u, size_t i)
{
	size_t at;

	buf_printf(b, "%sd%zu AS (", i > 0 ? ", " : "WITH ", i);
	put_delete(b, u, i);
	buf_printf(b, " RETURNING 1), u%zu AS (", i);
	at = b->len;
	if (put_update(b, u, i))
		buf_printf(b, " AND (SELECT pg_catalog.count(*) FROM d%zu) "
		    ">= 0 RETURNING 1", i);
	else if (!b->failed)
		b->len = at, buf_str(b, "SELECT 1 WHERE false");
	buf_printf(b, "), i%zu AS (", i);
	put_insert(b, u, i);
	buf_printf(b, " AND (SELECT pg_catalog.count(*) FROM d%zu) >= 0 "
	    "AND (SELECT pg_catalog.count(*) FROM u%zu) >= 0 RETURNING 1)",
	    i, i);
}

/* Restores all rows of all tables by one statement, because PostgreSQL checks
 * foreign keys at the end of a statement, when all rows are as they were. */
static int
restore_at_once(const struct undo_rows *u, const struct db_value *v,
    struct buf *b, struct err *e)
{
	struct db_rows *r;
	const char *sql;
	int rc;

	for (size_t i = 0; i < u->n; i++)
		put_parts(b, u, i);
	for (size_t i = 0; i < u->n; i++)
		buf_printf(b, "%s(SELECT pg_catalog.count(*) FROM d%zu), "
		    "(SELECT pg_catalog.count(*) FROM u%zu), "
		    "(SELECT pg_catalog.count(*) FROM i%zu)",
		    i > 0 ? ", " : " SELECT ", i, i, i);
	if ((sql = buf_finish(b, e)) == NULL ||
	    db_query(u->db, &r, sql, v, u->n + 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		for (size_t i = 0; i < u->n; i++) {
			u->tables[i].deleted = db_column(r, 3 * i).i;
			u->tables[i].changed = db_column(r, 3 * i + 1).i;
			u->tables[i].inserted = db_column(r, 3 * i + 2).i;
		}
	db_end(r);
	return rc == 1 ? 0 : -1;
}

int
undo_rows_restore(const struct undo_rows *u, struct err *e)
{
	struct db_value *v = calloc(u->n + 1, sizeof(*v));
	struct buf b;
	int rc;

	if (v == NULL)
		return err_nomem(e);
	v[0] = db_text(u->run);
	for (size_t i = 0; i < u->n; i++) {
		struct undo_table *t = &u->tables[i];

		v[1 + i] = db_text(t->table->full);
		t->deleted = t->changed = t->inserted = 0;
	}
	buf_init(&b, SIZE_MAX / 4);
	rc = (db_kind(u->db) == DB_SQLITE ? restore_in_steps :
	    restore_at_once)(u, v, &b, e);
	buf_release(&b);
	free(v);
	if (rc == -1)
		err_prefix(e, "table %s%s: the rows cannot get the values back "
		    "that they had before the run", u->tables[0].table->name,
		    u->n > 1 ? " or another one of the run" : "");
	return rc;
}
