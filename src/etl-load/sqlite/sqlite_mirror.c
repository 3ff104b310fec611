#include "sqlite/sqlite_sink.h"

#include "batch/chunk_records.h"
#include "sqlite/sqlite_history_sql.h"
#include "sqlite/sqlite_sql.h"
#include "table/soft_delete.h"

/* If the condition of a DELETE reads another table, SQLite keeps the rowids of
 * all rows to delete in memory. So one statement deletes at most this many
 * rows. */
enum { PORTION = 100000 };

int
lite_mirror_init(struct lite_mirror *m, struct db *db, const struct target *t,
    char *now, struct err *e)
{
	*m = (struct lite_mirror){ .db = db, .target = t, .now = now,
		.key = { .columns = t->key, .n = t->nkey } };
	return lite_tuple_init(&m->tuple, &m->key, e);
}

void
lite_mirror_release(struct lite_mirror *m)
{
	db_stmt_free(m->note);
	m->note = NULL;
	lite_tuple_release(&m->tuple);
}

static struct lite_mirror *
get_mirror(void *self)
{
	struct lite_sink *s = self;

	return &s->mirror;
}

/* Appends the columns that identify a row: the rowid or, if the table has none,
 * the columns of the primary key. */
static void
put_row_identity(struct buf *b, const struct table *t)
{
	const char *comma = "";

	if (!t->without_rowid) {
		buf_str(b, sqlite_find_rowid(t));
		return;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].key > 0) {
			buf_printf(b, "%s%s", comma, t->columns[i].quoted);
			comma = ", ";
		}
}

/* Appends a condition that is true if row t is row c of the temporary table.
 * The operator + before a column removes its type and its collation from the
 * comparison. This is right because the values of c were copied from the table:
 * they are equal byte by byte. */
static void
put_is_same_row(struct buf *b, const struct table *t)
{
	const char *and = "";

	if (!t->without_rowid) {
		buf_printf(b, "c.i0 = +t.%s", sqlite_find_rowid(t));
		return;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].key > 0) {
			buf_printf(b, "%sc.i%d = +t.%s", and,
			    t->columns[i].key, t->columns[i].quoted);
			and = " AND ";
		}
}

static void
put_create_table(struct buf *b, const struct table *t, const char *suffix)
{
	const char *more = "";

	buf_printf(b, "DROP TABLE IF EXISTS temp.etl_load_came%s; "
	    "CREATE TEMP TABLE etl_load_came%s (", suffix, suffix);
	if (!t->without_rowid) {
		buf_str(b, "i0 INTEGER PRIMARY KEY)");
		return;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].key > 0)
			buf_printf(b, "i%d, ", t->columns[i].key);
	buf_str(b, "PRIMARY KEY (");
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].key > 0) {
			buf_printf(b, "%si%d", more, t->columns[i].key);
			more = ", ";
		}
	buf_str(b, ")) WITHOUT ROWID");
}

/* Appends an INSERT that notes the row of a key, if there is one. It finds the
 * row as the upsert does. With OR REPLACE, SQLite reports one changed row even
 * if the row was noted before. So the number of changes says whether there is a
 * row. */
static void
put_note_row(struct buf *b, const struct target *t)
{
	buf_printf(b, "INSERT OR REPLACE INTO temp.etl_load_came%s SELECT ",
	    t->suffix);
	put_row_identity(b, t->table);
	buf_printf(b, " FROM %s", t->table->quoted);
	for (size_t i = 0; i < t->nkey; i++)
		buf_printf(b, "%s%s = $%zu", i > 0 ? " AND " : " WHERE ",
		    t->table->columns[t->key[i]].quoted, i + 1);
	if (t->mode->history)
		buf_printf(b, " AND (%s)", t->history.current_where);
}

/* Appends WHERE and a condition that is true for the rows t that did not
 * come. */
static void
put_where_missing(struct buf *b, const struct target *t)
{
	buf_printf(b, " WHERE NOT EXISTS (SELECT 1 FROM temp.etl_load_came%s "
	    "AS c WHERE ", t->suffix);
	put_is_same_row(b, t->table);
	buf_str(b, ")");
	soft_delete_put_live(b, t, " AND ", "t.");
}

static int
run_count_query(struct lite_mirror *m, struct buf *sql, int64_t *n,
    struct err *e)
{
	(void)buf_text(sql);
	return buf_check(sql, e) == -1 ? -1 :
	    db_query_int(m->db, buf_text(sql), NULL, 0, 0, n, e);
}

/* Makes the temporary table, and prepares the statement that notes the row of a
 * key. */
static int
prepare_note(struct lite_mirror *m, struct buf *b, struct err *e)
{
	db_stmt_free(m->note);
	m->note = NULL;
	put_create_table(b, m->target->table, m->target->suffix);
	(void)buf_text(b);
	if (buf_check(b, e) == -1 || db_script(m->db, buf_text(b), e) == -1)
		return -1;
	buf_clear(b);
	put_note_row(b, m->target);
	(void)buf_text(b);
	return buf_check(b, e) == -1 ? -1 :
	    db_prepare(m->db, &m->note, buf_text(b), e);
}

/* Fails if columns have taken all names of the rowid. */
static int
check_rowid_name(void *self, struct err *e)
{
	const struct target *target = get_mirror(self)->target;
	const struct table *t = target->table;

	if (t->without_rowid || sqlite_find_rowid(t) != NULL)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s has columns named "
	    "rowid, _rowid_ and oid, so --mode %s cannot tell its rows "
	    "apart: rename one of them", t->name, target->mode->name);
}

/* Makes the temporary table, and counts the rows of the target. */
static int
start_lite_mirror(void *self, struct mirror_counts *c, struct err *e)
{
	struct lite_mirror *m = get_mirror(self);
	struct buf b;
	int rc;

	m->strays = 0;
	clock_stamp(m->now);
	buf_init(&b, SIZE_MAX / 4);
	rc = prepare_note(m, &b, e);
	if (rc == 0) {
		buf_clear(&b);
		buf_printf(&b, "SELECT count(*) FROM %s AS t",
		    m->target->table->quoted);
		soft_delete_put_live(&b, m->target, " WHERE ", "t.");
		rc = run_count_query(m, &b, &c->before, e);
	}
	buf_release(&b);
	return rc;
}

/* Notes the row whose key is in m->tuple. If there is no such row, sets *found
 * to 0. */
static int
note_tuple_row(struct lite_mirror *m, int64_t *found, struct err *e)
{
	return db_stmt_run(m->note, m->tuple.values, m->key.n, NULL, found, e);
}

int
lite_mirror_note(struct lite_mirror *m, const struct shape *shape,
    const struct db_value *values, struct err *e)
{
	int64_t found = 0;

	for (size_t k = 0, i; k < m->key.n; k++) {
		for (i = 0; shape->columns[i] != m->key.columns[k]; i++)
			continue;
		m->tuple.values[k] = values[i];
	}
	if (note_tuple_row(m, &found, e) == -1)
		return -1;
	/* In --mode scd2 a late record can leave its key without a current row,
	 * so this is no error. */
	m->strays += found == 0 && !m->target->mode->history;
	return 0;
}

static int
note_rejected_row(void *self, struct reader *r, const struct line *l,
    struct err *e)
{
	struct lite_mirror *m = self;
	int rc = lite_tuple_read(&m->tuple, r, l, e);

	for (size_t i = 0; i < m->key.n && rc == 1; i++)
		if (m->tuple.values[i].type == DB_NULL)
			rc = 0;
	return rc != 1 ? rc : note_tuple_row(m, NULL, e) == -1 ? -1 : 1;
}

/* Notes only the keys of the rejected records, because those of the stored
 * records are already noted. */
static int
add_rejected_keys(void *self, struct outcome *o, uint64_t *unreadable,
    struct err *e)
{
	return chunk_each_rejected(o, note_rejected_row, get_mirror(self),
	    unreadable, e);
}

static int
count_missing(void *self, struct mirror_counts *c, struct err *e)
{
	struct lite_mirror *m = get_mirror(self);
	struct buf b;
	int rc;

	c->strays = m->strays;
	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "SELECT count(*) FROM %s AS t",
	    m->target->table->quoted);
	put_where_missing(&b, m->target);
	rc = run_count_query(m, &b, &c->missing, e);
	buf_release(&b);
	return rc;
}

/* Appends the statement that deletes the rows that did not come, marks them as
 * deleted, or ends them. $1 is the present time. */
static void
put_remove_missing(struct buf *b, const struct target *t)
{
	if (t->mode->history) {
		lite_put_end_rows(b, t);
	} else if (t->soft_delete == NO_COLUMN) {
		buf_printf(b, "DELETE FROM %s AS t", t->table->quoted);
	} else {
		buf_printf(b, "UPDATE %s AS t SET ", t->table->quoted);
		sqlite_put_mark_deleted(b, t, 1);
	}
	put_where_missing(b, t);
}

/* Runs *sql with the parameters and adds the number of rows to *removed. */
static int
run_removal(struct lite_mirror *m, struct buf *sql, const struct db_value *v,
    size_t n, uint64_t *removed, struct err *e)
{
	int64_t changed = 0;

	(void)buf_text(sql);
	if (buf_check(sql, e) == -1 ||
	    db_run(m->db, buf_text(sql), v, n, &changed, e) == -1)
		return -1;
	*removed += (uint64_t)changed;
	return 0;
}

/* Sets *to to the last rowid of the portion of missing rows that begins at the
 * rowid `from`. Returns 1: set; 0: fewer rows than a portion are left; -1 with
 * *e. */
static int
find_portion_end(struct lite_mirror *m, int64_t from, int64_t *to,
    struct err *e)
{
	const char *rowid = sqlite_find_rowid(m->target->table);
	const struct db_value v = DB_I(from);
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "SELECT t.%s FROM %s AS t", rowid,
	    m->target->table->quoted);
	put_where_missing(&b, m->target);
	buf_printf(&b, " AND t.%s >= $1 ORDER BY t.%s LIMIT 1 OFFSET %d", rowid,
	    rowid, PORTION - 1);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = db_query_int(m->db, buf_text(&b), &v, 1, INT64_MAX, to, e);
	buf_release(&b);
	return rc == -1 ? -1 : *to != INT64_MAX;
}

/* Deletes the rows in the order of their rowids. A row may refer to a row that
 * is deleted before it, so the foreign keys are checked only at the end. */
static int
delete_portions(struct lite_mirror *m, uint64_t *removed, struct err *e)
{
	const char *rowid = sqlite_find_rowid(m->target->table);
	struct db_value v[] = { DB_I(INT64_MIN), DB_I(INT64_MAX) };
	struct buf b;
	int more = 1;
	int rc = db_script(m->db, "PRAGMA defer_foreign_keys = ON", e);

	buf_init(&b, SIZE_MAX / 4);
	put_remove_missing(&b, m->target);
	buf_printf(&b, " AND t.%s >= $1 AND t.%s <= $2", rowid, rowid);
	while (rc == 0 && more == 1) {
		more = find_portion_end(m, v[0].i, &v[1].i, e);
		rc = more == -1 ? -1 : run_removal(m, &b, v, 2, removed, e);
		v[0].i = v[1].i < INT64_MAX ? v[1].i + 1 : INT64_MAX;
	}
	buf_release(&b);
	return rc;
}

static int
delete_at_once(struct lite_mirror *m, uint64_t *removed, struct err *e)
{
	const struct db_value now = db_text(m->now);
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	put_remove_missing(&b, m->target);
	rc = run_removal(m, &b, &now, 1, removed, e);
	buf_release(&b);
	return rc;
}

static int
remove_missing(void *self, uint64_t *removed, struct err *e)
{
	struct lite_mirror *m = get_mirror(self);
	const struct target *t = m->target;
	bool portions = !t->table->without_rowid && !t->mode->history &&
	    t->soft_delete == NO_COLUMN;
	int rc = portions ? delete_portions(m, removed, e) :
	    delete_at_once(m, removed, e);

	if (rc == -1 || db_count_orphans(m->db) == 0)
		return rc;
	return err_set(e, ERR_DATA, false, "table %s: a row that did not come "
	    "in the input cannot be deleted, because a row of another table "
	    "refers to it by a foreign key: remove this reference, or load "
	    "with --soft-delete", t->table->name);
}

const struct sink_mirror lite_mirror_calls = {
    .check = check_rowid_name,
    .start = start_lite_mirror,
    .add = add_rejected_keys,
    .count = count_missing,
    .remove = remove_missing,
};
