#include "undo/undo_cascade.h"

#include "images/image_sql.h"

#include <string.h>

#define OF_RUN(image, target) \
    " " image ".run = $1 AND " image ".target = " target

/* A foreign key to the table: one row of the query table_cascades
 * (sql/sqlite/catalog.sql and sql/postgresql/catalog.sql). */
struct foreign_key {
	const char *table, *name, *action, *refers;
};

enum { MEMBERS = 4 };

static void
put_images(struct buf *b, const struct undo_rows *u, const char *name)
{
	static const char schema[] = "{schema}.";

	buf_str(b, "(SELECT 1 FROM ");
	(void)db_put_schema(u->db, b, schema);
	buf_printf(b, "etl_before AS %s WHERE", name);
}

/* Appends a condition that is true if the run has inserted the row "etl.t": the
 * undo will delete it. */
static void
put_is_inserted(struct buf *b, const struct undo_rows *u,
    const struct undo_table *t)
{
	buf_str(b, "EXISTS ");
	put_images(b, u, "b");
	buf_str(b, OF_RUN("b", "$2") " AND b.before IS NULL AND ");
	image_put_has_key(b, db_kind(u->db), t->table, t->key, t->nkey,
	    "\"etl.t\"", "b.key");
	buf_char(b, ')');
}

/* Runs a query whose parameters are the run, the table and, unless it is NULL,
 * the table `own`. */
static int
query_int_of_run(const struct undo_rows *u, const struct undo_table *t,
    const struct undo_table *own, struct buf *sql, int64_t *n, struct err *e)
{
	const struct db_value v[] = { db_text(u->run),
		db_text(t->table->full),
		db_text(own != NULL ? own->table->full : NULL) };
	const char *text = buf_finish(sql, e);

	return text == NULL ? -1 :
	    db_query_int(u->db, text, v, own != NULL ? 3 : 2, 0, n, e);
}

/* Locks the rows that the run has inserted, so that no other session can insert
 * a row that refers to one of them. On SQLite the transaction keeps other
 * writers out. */
static int
lock_rows(
    const struct undo_rows *u, const struct undo_table *t, struct err *e)
{
	struct buf b;
	int64_t n;
	int rc;

	if (db_kind(u->db) == DB_SQLITE)
		return 0;
	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "SELECT pg_catalog.count(*) FROM (SELECT 1 FROM %s AS "
	    "\"etl.t\" WHERE ", t->table->quoted);
	put_is_inserted(&b, u, t);
	buf_str(&b, " FOR UPDATE) AS q");
	rc = query_int_of_run(u, t, NULL, &b, &n, e);
	buf_release(&b);
	return rc;
}

/* Returns the table of the undo that has the foreign key, or NULL. */
static const struct undo_table *
find_table_of_key(const struct undo_rows *u, const struct foreign_key *k)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->tables[i].table->quoted, k->table) == 0)
			return &u->tables[i];
	return NULL;
}

/* Appends a query that finds a row which refers by the key *k to a row of t
 * that the run has inserted. If the key is that of a table of the undo, `own`,
 * ignores rows that the run has changed: the undo deletes these rows too, or
 * gives them their old values. */
static void
put_referring(struct buf *b, const struct undo_rows *u,
    const struct undo_table *t, const struct undo_table *own,
    const struct foreign_key *k)
{
	buf_printf(b, "SELECT 1 FROM %s AS \"etl.r\" WHERE EXISTS "
	    "(SELECT 1 FROM %s AS \"etl.t\" WHERE %s AND ", k->table,
	    t->table->quoted, k->refers);
	put_is_inserted(b, u, t);
	buf_char(b, ')');
	if (own != NULL) {
		buf_str(b, " AND NOT EXISTS ");
		put_images(b, u, "own");
		buf_str(b, OF_RUN("own", "$3") " AND ");
		image_put_has_key(b, db_kind(u->db), own->table, own->key,
		    own->nkey, "\"etl.r\"", "own.key");
		buf_char(b, ')');
	}
	buf_str(b, " LIMIT 1");
}

/* Fails if a row refers by this key to a row that the undo deletes. */
static int
check_referrer(const struct undo_rows *u, const struct undo_table *t,
    const struct foreign_key *k, struct err *e)
{
	const struct undo_table *own = find_table_of_key(u, k);
	struct buf b;
	int64_t found = 0;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	put_referring(&b, u, t, own, k);
	rc = query_int_of_run(u, t, own, &b, &found, e);
	buf_release(&b);
	if (rc == 0 && found)
		rc = err_set(e, ERR_DATA, false, "table %s: rows of table %s "
		    "refer to rows that the run has inserted, by a foreign key "
		    "with ON DELETE %s: the undo would delete or change them, "
		    "so nothing was undone; delete these rows first, or undo "
		    "the load that has inserted them", t->table->name, k->name,
		    k->action);
	return rc;
}

/* Reads all foreign keys, each as MEMBERS texts that end in a NUL. */
static int
read_keys(const struct undo_rows *u, const struct undo_table *t,
    struct buf *keys, struct err *e)
{
	bool lite = db_kind(u->db) == DB_SQLITE;
	struct db_value v = db_text(lite ? t->table->base : t->table->quoted);
	struct db_rows *r;
	int rc;

	if (db_query(u->db, &r, db_sql(u->db, SQL_TABLE_CASCADES), &v, 1, e) ==
	    -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		for (size_t i = 0; i < MEMBERS; i++) {
			struct db_value text = db_column(r, i);

			buf_add(keys, text.p, text.len);
			buf_char(keys, '\0');
		}
	db_end(r);
	return rc == -1 ? -1 : buf_check(keys, e);
}

int
undo_cascade_check(const struct undo_rows *u, const struct undo_table *t,
    struct err *e)
{
	struct buf keys;
	int rc;

	buf_init(&keys, SIZE_MAX / 4);
	rc = read_keys(u, t, &keys, e);
	if (rc == 0 && keys.len > 0)
		rc = lock_rows(u, t, e);
	for (size_t at = 0; rc == 0 && at < keys.len;) {
		const char *m[MEMBERS];

		for (size_t i = 0; i < MEMBERS; i++) {
			m[i] = keys.data + at;
			at += strlen(m[i]) + 1;
		}
		rc = check_referrer(u, t,
		    &(struct foreign_key){ m[0], m[1], m[2], m[3] }, e);
	}
	buf_release(&keys);
	return rc;
}
