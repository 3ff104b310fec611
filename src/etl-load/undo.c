#include "undo.h"

#include "base/retry.h"
#include "base/text.h"
#include "control/control.h"
#include "control/run_counts.h"
#include "db/table.h"
#include "images.h"
#include "json/scan.h"
#include "json/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Compares the rows of a run with their images, and restores them from the
 * images.
 * Borrows: everything in struct undo_rows. The caller has begun a transaction.
 * Fails: ERR_DATA if a row is not as its image says; the message names rows. */

struct undo_table {             /* a table that the run has loaded */
	struct table *table;
	size_t *key, nkey;      /* the columns of the keys of images */
	int64_t last;           /* the number of its last stream */
	int64_t deleted, changed, inserted;     /* rows that were restored */
};

struct undo_rows {
	struct db *db;
	const char *run;
	struct undo_table *tables;
	size_t n;
};

#define RUN_OF(image, target) \
    " " image ".run = $1 AND " image ".target = " target

/* A foreign key to the table: one row of the query table_cascades
 * (sql/sqlite/catalog.sql and sql/postgresql/catalog.sql). */
struct foreign_key {
	const char *table, *name, *action, *refers;
};

enum { MEMBERS = 4 };

static void
put_named(struct buf *b, const struct undo_rows *u, const char *name)
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
	put_named(b, u, "b");
	buf_str(b, RUN_OF("b", "$2") " AND b.before IS NULL AND ");
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
		put_named(b, u, "own");
		buf_str(b, RUN_OF("own", "$3") " AND ");
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

/* Fails if a foreign key would delete or change rows together with the rows of
 * this table that the undo deletes. Ignores rows of all tables of the undo that
 * the run itself has written. Locks the rows that the undo will delete. */
static int
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

/* What the control table etl_before_runs says about a run that is undone, and
 * the tables that the run has loaded.
 * Owns:  the texts and tables; undo_entry_release() frees them.
 * Fails: ERR_LIMIT if there is no such run or it was undone before, ERR_USAGE
 *        if the name fits several runs, ERR_DATA if a table was altered, or was
 *        loaded without images. */

/* A stream that the run has loaded: a row of etl_before_runs. */
struct loaded {
	char *stream, *checkpoint, *value;
	const char *target;     /* borrowed from its table */
	int64_t number, version;
	bool whole;
};

struct undo_entry {
	char *run;
	struct loaded *streams;         /* in the order of their first batch */
	size_t n;
	struct undo_table *tables;
	size_t ntables;
};

/* A text of fewer digits is a number of a run and not the start of an id: it
 * may be a mistake. */
enum { DIGITS_OF_ID = 8 };

struct reading {
	struct db *db;
	struct undo_entry *entry;
	struct undo_table *at;          /* the table whose streams are read */
};

static void
undo_entry_release(struct undo_entry *n)
{
	while (n->n > 0) {
		struct loaded *s = &n->streams[--n->n];

		free(s->stream);
		free(s->checkpoint);
		free(s->value);
	}
	while (n->ntables > 0) {
		table_free(n->tables[--n->ntables].table);
		free(n->tables[n->ntables].key);
	}
	free(n->tables);
	free(n->streams);
	free(n->run);
	*n = (struct undo_entry){ 0 };
}

static int
copy_text(char **to, struct db_value v, struct err *e)
{
	*to = NULL;
	if (v.type == DB_NULL)
		return 0;
	*to = strndup(v.p == NULL ? "" : v.p, v.len);
	return *to == NULL ? err_nomem(e) : 0;
}

static int
fail_no_images(const struct db *db, const char *name, const char *table,
    struct err *e)
{
	return err_set(e, ERR_LIMIT, false, "--undo %s: %s keeps no old values "
	    "of such a run%s%s: it was loaded without --keep-before, or its "
	    "old values were deleted (--keep-runs)", name, db_name(db),
	    table != NULL ? " for table " : "", table != NULL ? table : "");
}

enum { RANK_START = 1 };        /* the name is only the start of the id */

static int
check_found(const struct undo_entry *n, const struct db *db, const char *name,
    const char *table, int found, int64_t rank, struct err *e)
{
	if (found == 0)
		return fail_no_images(db, name, table, e);
	if (rank != RANK_START)
		return 0;
	if (found > 1)
		return err_set(e, ERR_USAGE, false, "--undo %s: the ids of "
		    "several runs start with this: give more of the id",
		    name);
	if (parse_row_number(name) > 0 && strlen(name) < DIGITS_OF_ID)
		return err_set(e, ERR_USAGE, false, "--undo %s: no run has "
		    "this number, but the id of run %s starts with it: to "
		    "undo that run, give at least %d characters of the id",
		    name, n->run, DIGITS_OF_ID);
	return 0;
}

static int
find_run(struct undo_entry *n, struct db *db, const char *name,
    const char *table, struct err *e)
{
	const struct db_value v[] = { db_text(name),
		DB_I(parse_row_number(name)) };
	struct db_rows *r;
	int64_t rank = 0;
	int found = 0, rc;

	if (db_query(db, &r, db_sql(db, SQL_BEFORE_FIND), v, 2, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && found++ == 0) {
		rank = db_column(r, 1).i;
		if (copy_text(&n->run, db_column(r, 0), e) == -1) {
			rc = -1;
			break;
		}
	}
	db_end(r);
	return rc == -1 ? -1 : check_found(n, db, name, table, found, rank, e);
}

static struct undo_table *
add_table(struct undo_entry *n, struct err *e)
{
	struct undo_table *more = reallocarray(
	    n->tables, n->ntables + 1, sizeof(*more));

	if (more == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	n->tables = more;
	n->tables[n->ntables] = (struct undo_table){ .table = NULL };
	return &n->tables[n->ntables++];
}

/* Reads the table of a target. The target is a name that needs no search_path
 * if its schema is added. In messages the table has the name of the target. */
static int
read_target(struct undo_entry *n, struct db *db, const char *target,
    struct err *e)
{
	struct undo_table *t = add_table(n, e);
	bool quoted = false, dot = false;
	char *name;
	int rc;

	if (t == NULL)
		return -1;
	for (const char *p = target; *p != '\0'; p++) {
		quoted ^= *p == '"';
		dot |= *p == '.' && !quoted;
	}
	if (asprintf(&name, "%s%s", dot ? "" : db_kind(db) == DB_SQLITE ?
	    "main." : "public.", target) == -1)
		return err_nomem(e);
	rc = table_read(&t->table, db, name, ": the run has loaded it; to undo "
	    "the run in its other tables, name each of them with --table", e);
	free(name);
	if (rc == -1)
		return -1;
	free(t->table->name);
	t->table->name = strdup(target);
	return t->table->name == NULL ? err_nomem(e) : 0;
}

/* Fails if the run has also written rows whose old values were not kept. */
static int
check_all_kept(const struct undo_entry *n, struct db *db, struct err *e)
{
	const struct db_value v = db_text(n->run);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_BEFORE_NOT_KEPT), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		struct run_counts counts = { 0 };
		struct db_value json = db_column(r, 1);

		if (json.type == DB_TEXT &&
		    run_counts_add_json(&counts, json.p, json.len, e) == -1)
			rc = -1;
		else if (run_counts_sum(&counts, COUNT_INSERTED) +
		    run_counts_sum(&counts, COUNT_UPDATED) +
		    run_counts_sum(&counts, COUNT_DELETED) +
		    run_counts_sum(&counts, COUNT_REMOVED) > 0)
			rc = err_set(e, ERR_DATA, false, "run %s has also "
			    "loaded table %s, without --keep-before: nothing "
			    "was undone; to undo the run in another table, "
			    "name that table with --table", n->run,
			    db_column(r, 0).p);
		run_counts_release(&counts);
		if (rc == -1)
			break;
	}
	db_end(r);
	return rc;
}

/* Reads the tables of the run that were not undone before. */
static int
read_all_tables(struct undo_entry *n, struct db *db, struct err *e)
{
	const struct db_value v = db_text(n->run);
	struct buf targets;
	struct db_rows *r;
	size_t undone = 0;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_BEFORE_TARGETS), &v, 1, e) == -1)
		return -1;
	buf_init(&targets, SIZE_MAX / 4);
	while ((rc = db_next(r, e)) == 1) {
		struct db_value target = db_column(r, 0);

		if (strcmp(db_column(r, 1).p, "undone") == 0) {
			undone++;
			continue;
		}
		buf_add(&targets, target.p, target.len);
		buf_char(&targets, '\0');
	}
	db_end(r);
	if (rc == 0)
		rc = buf_check(&targets, e);
	if (rc == 0 && targets.len == 0)
		rc = undone == 0 ? fail_no_images(db, n->run, NULL, e) :
		    err_set(e, ERR_LIMIT, false, "run %s was undone before: "
		    "nothing was changed", n->run);
	for (size_t at = 0; rc == 0 && at < targets.len;
	    at += strlen(targets.data + at) + 1)
		rc = read_target(n, db, targets.data + at, e);
	buf_release(&targets);
	return rc == -1 ? -1 : check_all_kept(n, db, e);
}

/* Finds the run that `name` means: its id, its number or the start of its id.
 * Reads its tables: all of them, or only `table` if that is not NULL. */
static int
undo_entry_find(struct undo_entry *n, struct db *db, const char *name,
    const char *table, struct err *e)
{
	struct undo_table *t;

	if (table != NULL && ((t = add_table(n, e)) == NULL ||
	    table_read(&t->table, db, table, ": --undo needs the table that "
	    "the run has loaded", e) == -1))
		return -1;
	if (find_run(n, db, name, table, e) == -1)
		return -1;
	return table != NULL ? 0 : read_all_tables(n, db, e);
}

/* Finds the columns of the key, whose names are in a JSON array. */
static int
find_key_columns(struct reading *u, const struct json *j, struct err *e)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, SIZE_MAX / 4);
	for (uint32_t i = 1; i < j->n && rc == 0; i++) {
		size_t c = 0;

		buf_clear(&name);
		json_unescape(&name, j, i);
		(void)buf_text(&name);
		if ((rc = buf_check(&name, e)) == -1)
			break;
		while (c < u->at->table->n &&
		    strcmp(u->at->table->columns[c].name, name.data) != 0)
			c++;
		if (c == u->at->table->n || u->at->nkey == u->at->table->n)
			rc = err_set(e, ERR_DATA, false, "table %s has no "
			    "column %s, which was in its key: the run cannot "
			    "be undone", u->at->table->name, name.data);
		else
			u->at->key[u->at->nkey++] = c;
	}
	buf_release(&name);
	return rc;
}

static int
read_key(struct reading *u, struct db_value names, struct err *e)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	int rc = -1;

	u->at->nkey = 0;
	free(u->at->key);
	u->at->key = calloc(u->at->table->n + 1, sizeof(*u->at->key));
	if (u->at->key == NULL)
		return err_nomem(e);
	if (json_scan(&j, names.p, names.len, 2, JSON_LAST, &f) == 0)
		rc = find_key_columns(u, &j, e);
	else
		rc = f.nomem ? err_nomem(e) : err_set(e, ERR_DATA, false,
		    "etl_before_runs: the column key_columns of the run is not "
		    "a JSON array: another program has changed it");
	json_release(&j);
	return rc;
}

static int
check_columns(const struct reading *u, struct db_value names, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	image_put_names(&b, u->at->table, NULL, u->at->table->n);
	rc = buf_check(&b, e);
	if (rc == 0 && (b.len != names.len ||
	    memcmp(b.data, names.p, b.len) != 0))
		rc = err_set(e, ERR_DATA, false, "table %s has other columns "
		    "than when the run loaded it: the run cannot be undone",
		    u->at->table->name);
	buf_release(&b);
	return rc;
}

static int
check_status(const struct reading *u, struct db_value status, struct err *e)
{
	if (status.len == 4)            /* kept */
		return 0;
	return err_set(e, ERR_LIMIT, false, *status.p == 'u' ? "run %s was "
	    "undone before: nothing was changed" : "run %s: its old values "
	    "were deleted (--keep-runs): nothing was changed", u->entry->run);
}

static int
add_stream(struct reading *u, const struct db_rows *r, struct err *e)
{
	struct undo_entry *n = u->entry;
	struct loaded *s = realloc(n->streams, (n->n + 1) * sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	n->streams = s;
	s = &s[n->n++];
	*s = (struct loaded){ .version = db_column(r, 3).i,
		.whole = db_column(r, 6).i != 0,
		.number = db_column(r, 8).i, .target = u->at->table->full };
	u->at->last = s->number;
	if (copy_text(&s->stream, db_column(r, 0), e) == -1 ||
	    copy_text(&s->checkpoint, db_column(r, 1), e) == -1 ||
	    copy_text(&s->value, db_column(r, 2), e) == -1 ||
	    check_status(u, db_column(r, 7), e) == -1 ||
	    check_columns(u, db_column(r, 4), e) == -1)
		return -1;
	return read_key(u, db_column(r, 5), e);
}

static int
read_streams(struct reading *u, struct err *e)
{
	const struct db_value v[] = { db_text(u->entry->run),
		db_text(u->at->table->full) };
	size_t before = u->entry->n;
	struct db_rows *r;
	int rc;

	if (db_query(u->db, &r, db_sql(u->db, SQL_BEFORE_STREAMS), v, 2,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = add_stream(u, r, e)) == -1)
			break;
	db_end(r);
	if (rc == 0 && u->entry->n == before)
		return fail_no_images(u->db, u->entry->run, u->at->table->name,
		    e);
	return rc;
}

static int
compare_streams(const void *a, const void *b)
{
	const struct loaded *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int
compare_tables(const void *a, const void *b)
{
	const struct undo_table *x = a, *y = b;

	return (x->last < y->last) - (x->last > y->last);
}

/* Reads the streams of all tables, and sorts the tables: the one that was
 * loaded last comes first. Locks the rows in etl_before_runs until the
 * transaction ends. */
static int
undo_entry_read(struct undo_entry *n, struct db *db, struct err *e)
{
	struct reading u = { db, n, NULL };

	for (size_t i = 0; i < n->ntables; i++) {
		u.at = &n->tables[i];
		if (read_streams(&u, e) == -1)
			return -1;
	}
	if (n->n > 0)
		qsort(n->streams, n->n, sizeof(*n->streams), compare_streams);
	qsort(n->tables, n->ntables, sizeof(*n->tables), compare_tables);
	return 0;
}

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

/* Locks the tables against other writers. Foreign keys are then checked only at
 * the commit. */
static int
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

/* Fails if a row of the table has changed since the run. */
static int
undo_rows_check_left(
    const struct undo_rows *u, const struct undo_table *t, struct err *e)
{
	return check_images(u, t, "after", true, "rows are no longer as "
	    "the run has left them, because a later run or another session "
	    "has changed them", e);
}

/* Called after undo_rows_restore(). Fails if a row of the table is not as it
 * was before the run, because a trigger has changed it again. */
static int
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

/* Restores the rows of all tables, which may refer to each other. */
static int
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

struct undo {
	const struct load_opts *o;
	struct db *db;
	struct undo_entry entry;
};

static bool
is_used_by_undo(const char *option)
{
	static const char *const used[] = { "undo", "table", "db",
		"control-schema", "with-checkpoint", "lock-timeout",
		"statement-timeout", "retries", "backoff", "verbose" };

	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (strcmp(option, used[i]) == 0)
			return true;
	return false;
}

static bool
is_given(
    const struct load_opts *o, const struct opt_spec *spec, const char *option)
{
	for (size_t i = 0; i < spec->n; i++)
		if (o->is_given[i] && strcmp(spec->opts[i].name, option) == 0)
			return true;
	return false;
}

static int
check_load_options(const struct load_opts *o, const struct opt_spec *spec,
    struct err *e)
{
	if (o->with_checkpoint)
		return err_set(e, ERR_USAGE, false,
		    "--with-checkpoint needs --undo RUN");
	if (o->keep_runs == 0)
		return err_set(e, ERR_USAGE, false,
		    "--keep-runs is 0: it must be at least 1");
	if (!o->keep_before && is_given(o, spec, "keep-runs"))
		return err_set(e, ERR_USAGE, false, "--keep-runs needs "
		    "--keep-before: without it the load keeps no old values");
	return 0;
}

int
undo_check_options(const struct load_opts *o, const struct opt_spec *spec,
    struct err *e)
{
	if (o->undo == NULL)
		return check_load_options(o, spec, e);
	if (*o->undo == '\0')
		return err_set(e, ERR_USAGE, false, "--undo needs the id of a "
		    "run, or of a stream");
	for (size_t i = 0; i < spec->n; i++)
		if (o->is_given[i] && !is_used_by_undo(spec->opts[i].name))
			return err_set(e, ERR_USAGE, false, "--undo reads no "
			    "records, so --%s cannot be used with it",
			    spec->opts[i].name);
	return 0;
}

static void
close_all(struct undo *u)
{
	undo_entry_release(&u->entry);
	db_close(u->db);
	u->db = NULL;
}

static int
open_database(struct undo *u, struct err *e)
{
	const struct db_limits limits = { .lock = u->o->lock_timeout,
		.statement = u->o->statement_timeout };

	if (control_open_tables(&u->db, u->o->db, u->o->control_schema, false,
	    e) == -1 ||
	    ((limits.lock > 0 || limits.statement > 0) &&
		db_set_limits(u->db, &limits, e) == -1))
		return -1;
	return db_add_image_sql(u->db, e);
}

/* Gives the checkpoint of stream number `first` the value that it had before
 * the run. If several streams of the run have moved it, the entry of the first
 * one has this value, and the entry of the last one has the version that the
 * checkpoint must still have. */
static int
restore_checkpoint(struct undo *u, size_t first, struct err *e)
{
	const char *name = u->entry.streams[first].checkpoint;
	struct db_value v[3] = { db_text(name),
		db_text(u->entry.streams[first].value) };
	int64_t n = 0;

	for (size_t i = 0; i < u->entry.n; i++) {
		if (u->entry.streams[i].checkpoint == NULL ||
		    strcmp(u->entry.streams[i].checkpoint, name) != 0)
			continue;
		if (i < first)
			return 0;
		v[2] = DB_I(u->entry.streams[i].version);
	}
	if (db_run(u->db, db_sql(u->db, SQL_BEFORE_MOVE_CHECKPOINT_BACK), v, 3,
	    &n, e) == -1)
		return -1;
	return n == 1 || v[2].i == 0 ? 0 : err_set(e, ERR_DATA, false,
	    "checkpoint %s: a later run, or etl-checkpoint, has moved it: "
	    "nothing was undone", name);
}

static int
restore_checkpoints(struct undo *u, struct err *e)
{
	bool any = false;

	for (size_t i = 0; i < u->entry.n; i++) {
		if (u->entry.streams[i].checkpoint == NULL)
			continue;
		any = true;
		if (restore_checkpoint(u, i, e) == -1)
			return -1;
	}
	return any ? 0 : err_set(e, ERR_CONFIG, false, "--with-checkpoint: the "
	    "run %s has moved no checkpoint: nothing was undone", u->entry.run);
}

/* Deletes the rows of the run's streams from the ledger (table etl_loads), so
 * that the streams can be loaded again. */
static int
delete_ledger_rows(struct undo *u, struct err *e)
{
	for (size_t i = 0; i < u->entry.n; i++) {
		const struct loaded *s = &u->entry.streams[i];
		const struct db_value v[] = { db_text(s->stream),
			db_text(s->target) };

		if (s->whole && db_run(u->db, db_sql(u->db,
			SQL_BEFORE_FORGET_LOAD), v, 2, NULL, e) == -1)
			return -1;
	}
	return 0;
}

/* Notes that the run is undone in this table, and deletes its images. */
static int
set_undone(struct undo *u, const struct undo_table *t, struct err *e)
{
	const struct db_value v[] = { db_text(u->entry.run),
		db_text(t->table->full) };

	return db_run(u->db, db_sql(u->db, SQL_BEFORE_FORGET), v, 2, NULL, e) ==
	    -1 ? -1 : db_run(u->db, db_sql(u->db, SQL_BEFORE_SET_UNDONE), v, 2,
	    NULL, e);
}

static int
undo_in_transaction(struct undo *u, struct err *e)
{
	struct undo_entry *n = &u->entry;
	struct undo_rows rows = { .db = u->db };

	if (undo_entry_find(n, u->db, u->o->undo, u->o->table, e) == -1)
		return -1;
	rows.run = n->run;
	rows.tables = n->tables;
	rows.n = n->ntables;
	if (undo_rows_lock(&rows, e) == -1 ||
	    undo_entry_read(n, u->db, e) == -1)
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		if (undo_rows_check_left(&rows, &rows.tables[i], e) == -1 ||
		    undo_cascade_check(&rows, &rows.tables[i], e) == -1)
			return -1;
	if (undo_rows_restore(&rows, e) == -1)
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		if (undo_rows_check_restored(&rows, &rows.tables[i], e) == -1 ||
		    set_undone(u, &rows.tables[i], e) == -1)
			return -1;
	if (delete_ledger_rows(u, e) == -1)
		return -1;
	return u->o->with_checkpoint ? restore_checkpoints(u, e) : 0;
}

static int
commit(struct undo *u, struct err *e)
{
	if (db_commit(u->db, e) == 0)
		return 0;
	if (db_fault(u->db)->lost) {
		e->transient = false;
		err_prefix(e, "the connection was lost during COMMIT, so the "
		    "run may or may not have been undone: give the command "
		    "again, it says which");
	}
	return -1;
}

static int
try_to_undo(void *self, struct err *e)
{
	struct undo *u = self;

	if (open_database(u, e) == 0 && db_begin(u->db, e) == 0) {
		if (undo_in_transaction(u, e) == 0 && commit(u, e) == 0)
			return 0;
		db_rollback(u->db);
	}
	close_all(u);
	return -1;
}

/* Returns "row" or "rows". */
static const char *
row_word(int64_t n)
{
	return n == 1 ? "row" : "rows";
}

static void
print_counts(const struct undo *u, const struct undo_table *t)
{
	err_printf("etl-load: run %s is undone in %s: "
	    "%" PRId64 " %s deleted, %" PRId64 " %s changed back, "
	    "%" PRId64 " %s inserted again\n", u->entry.run, t->table->name,
	    t->deleted, row_word(t->deleted), t->changed, row_word(t->changed),
	    t->inserted, row_word(t->inserted));
}

static void
print_result(const struct undo *u)
{
	if (u->o->verbose || isatty(STDERR_FILENO))
		for (size_t i = 0; i < u->entry.ntables; i++)
			print_counts(u, &u->entry.tables[i]);
	for (size_t i = 0; i < u->entry.n; i++) {
		const struct loaded *s = &u->entry.streams[i];

		if (s->checkpoint != NULL && !u->o->with_checkpoint)
			err_warnf("etl-load", "checkpoint %s was not moved "
			    "back: the next run begins after the records "
			    "that were undone; see --with-checkpoint",
			    s->checkpoint);
		if (!s->whole)
			err_warnf("etl-load", "an earlier run had loaded the "
			    "first part of stream %s: to load the stream "
			    "again, give --again", s->stream);
	}
}

int
undo_run(const struct load_opts *o, struct err *e)
{
	struct retry retry = { .max = o->retries };
	struct undo u = { .o = o };

	if (retry_parse(&retry, o->backoff, e) == -1 ||
	    retry_call(&retry, try_to_undo, &u, e) == -1)
		return -1;
	print_result(&u);
	close_all(&u);
	return 0;
}
