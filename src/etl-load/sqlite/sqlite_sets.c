#include "sqlite/sqlite_sets.h"

#include "base/hash.h"
#include "batch.h"
#include "images.h"
#include "json/write.h"
#include "sqlite/sqlite_codec.h"
#include "sqlite/sqlite_sink.h"
#include "sqlite/sqlite_sql.h"
#include "target.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

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

/* Values of the entries of s->ids. */
enum { ID_EMPTIED = 1, ID_REJECTED = 2 };

int
lite_scopes_init(struct lite_scopes *s, struct db *db, const struct target *t,
    struct err *e)
{
	*s = (struct lite_scopes){ .db = db, .target = t };
	keyset_init(&s->done);
	keyset_init(&s->ids);
	buf_init(&s->text, SIZE_MAX / 4);
	return lite_tuple_init(&s->tuple, &t->scope, e);
}

void
lite_scopes_release(struct lite_scopes *s)
{
	db_stmt_free(s->delete);
	lite_tuple_release(&s->tuple);
	keyset_release(&s->done);
	keyset_release(&s->ids);
	buf_release(&s->text);
}

/* The operator IS also finds NULL. It compares with the collation of the
 * column: values that are equal in this collation are one scope. */
static int
prepare_delete(struct lite_scopes *s, struct err *e)
{
	const struct target *t = s->target;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "DELETE FROM %s", t->table->quoted);
	if (t->scope_where != NULL)
		buf_printf(&b, " WHERE %s", t->scope_where);
	for (size_t i = 0; t->scope_where == NULL && i < t->scope.n; i++)
		buf_printf(&b, "%s%s IS $%zu", i > 0 ? " AND " : " WHERE ",
		    t->table->columns[t->scope.columns[i]].quoted, i + 1);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = db_prepare(s->db, &s->delete, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

int
lite_scopes_start(struct lite_scopes *s, struct err *e)
{
	keyset_clear(&s->done);
	keyset_clear(&s->ids);
	s->nrejected = 0;
	return s->delete != NULL ? 0 : prepare_delete(s, e);
}

static void
put_number(struct buf *b, double r)
{
	/* Compares as SQLite does: 1 is equal to 1.0. */
	if (fabs(r) < 4e18 && r == floor(r))
		buf_printf(b, "n%" PRId64, (int64_t)r);
	else
		buf_printf(b, "n%.17g", r);
}

/* Appends a text. The collation of the column may take texts as equal that
 * differ in case or in blanks at their end, so all such texts get the same
 * bytes. Loads of two scopes that differ only in this disturb each other. */
static void
put_text(struct buf *b, const struct db_value *v, bool numeric)
{
	size_t len = v->len, at = b->len;
	const char *p;
	char *end;
	double r;

	while (len > 0 && v->p[len - 1] == ' ')
		len--;
	buf_char(b, 't');
	for (size_t i = 0; i < len; i++) {
		char c = v->p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		buf_char(b, c);
	}
	p = buf_text(b) + at + 1;
	if (!numeric || b->failed || b->len == at + 1)
		return;
	r = strtod(p, &end);
	if (end == p + len) {
		b->len = at;
		put_number(b, r);
	}
}

/* Sets id to the id of the scope in s->tuple. Scopes that SQLite takes as equal
 * have the same id. */
static int
make_id(struct lite_scopes *s, char id[HASH_HEX], struct err *e)
{
	const struct lite_tuple *t = &s->tuple;
	struct buf *b = &s->text;

	buf_clear(b);
	for (size_t i = 0; i < t->columns->n; i++) {
		const struct db_value *v = &t->values[i];
		size_t at = b->len;

		if (v->type == DB_INT) {
			buf_printf(b, "n%" PRId64, v->i);
		} else if (v->type == DB_REAL) {
			put_number(b, v->r);
		} else if (v->type == DB_TEXT) {
			put_text(b, v, s->target->table->columns[
			    t->columns->columns[i]].numeric);
		} else if (v->type == DB_BLOB) {
			buf_char(b, 'x');
			buf_add(b, v->p, v->len);
		}
		buf_printf(b, " %zu", b->len - at);
	}
	if (buf_check(b, e) == -1)
		return -1;
	hash_bytes(b->data, b->len, id);
	return 0;
}

/* Adds the id of the scope in s->tuple to s->ids with this flag, unless there
 * are many. */
static int
note_id(struct lite_scopes *s, uint32_t flag, struct err *e)
{
	char id[HASH_HEX];
	uint32_t *value;

	if (!s->target->mode->by_scope || s->ids.n > SCOPES_MAX)
		return 0;
	if (make_id(s, id, e) == -1 || (value = keyset_value(&s->ids, id,
	    HASH_HEX - 1, e)) == NULL)
		return -1;
	*value |= flag;
	return 0;
}

int
lite_scopes_put_ids(struct lite_scopes *s, struct scope_ids *ids, struct err *e)
{
	struct buf *b = &ids->json;

	ids->n = s->ids.n;
	ids->many = s->ids.n > SCOPES_MAX;
	s->many = ids->many;
	buf_clear(b);
	buf_char(b, '[');
	for (size_t i = 0; i < s->ids.n; i++) {
		buf_str(b, i > 0 ? "," : "");
		json_put_string(
		    b, s->ids.bytes.data + s->ids.v[i].at, s->ids.v[i].len);
	}
	buf_char(b, ']');
	(void)buf_text(b);
	return buf_check(b, e);
}

/* Deletes the rows of the scope in s->tuple, unless this was done before. */
static int
delete_new_scope(struct lite_scopes *s, struct err *e)
{
	const struct lite_tuple *t = &s->tuple;
	size_t at = s->done.bytes.len;
	int64_t deleted = 0;
	bool nomem;

	for (size_t i = 0; i < t->columns->n; i++)
		sqlite_put_bytes(&s->done.bytes, &t->values[i]);
	if (keyset_add(&s->done, at, 0, &nomem) != NULL)
		return 1;
	if (nomem)
		return err_nomem(e);
	if (s->done.bytes.len > REMEMBERED_MAX)
		keyset_clear(&s->done);
	if (db_stmt_run(s->delete, t->values, t->columns->n,
	    NULL, &deleted, e) == -1)
		return -1;
	s->sums->removed += (uint64_t)deleted;
	return note_id(s, deleted > 0 ? ID_EMPTIED : 0, e) == -1 ? -1 : 1;
}

static int
take_scope(void *self, struct reader *r, const struct line *l, struct err *e)
{
	struct lite_scopes *s = self;
	int rc = lite_tuple_read(&s->tuple, r, l, e);

	return rc == 1 ? delete_new_scope(s, e) : rc;
}

int
lite_scopes_delete(struct lite_scopes *s, struct outcome *o,
    uint64_t *unreadable, struct err *e)
{
	s->sums = &o->sums;
	return chunk_each_record(o, take_scope, s, unreadable, e);
}

int
lite_scopes_check(struct lite_scopes *s, struct err *e)
{
	if (db_count_orphans(s->db) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: rows that the load "
	    "replaces are referred to by a foreign key that is INITIALLY "
	    "DEFERRED: load with --mode upsert, or change the foreign key",
	    s->target->table->name);
}

static int
note_rejected(void *self, struct reader *r, const struct line *l, struct err *e)
{
	struct lite_scopes *s = self;
	int rc = lite_tuple_read(&s->tuple, r, l, e);

	if (rc != 1)
		return rc;
	s->nrejected++;
	return note_id(s, ID_REJECTED, e) == -1 ? -1 : 1;
}

int
lite_scopes_add_rejected(
    struct lite_scopes *s, struct outcome *o, struct err *e)
{
	uint64_t unreadable = 0;

	return chunk_each_rejected(o, note_rejected, s, &unreadable, e);
}

int64_t
lite_scopes_emptied(const struct lite_scopes *s)
{
	int64_t n = 0;

	if (s->many)
		return s->sums->removed > 0 ? s->nrejected : 0;
	for (size_t i = 0; i < s->ids.n; i++)
		n += s->ids.v[i].value == (ID_EMPTIED | ID_REJECTED);
	return n;
}

/* The ids are in the order in which the scopes were added. */
int64_t
lite_scopes_recordless(const struct lite_scopes *s,
    const struct scope_ids *recorded)
{
	int64_t n = 0;

	for (size_t i = recorded->n; i < s->ids.n && !s->many; i++)
		n += (s->ids.v[i].value & ID_EMPTIED) != 0;
	return n;
}

/* The table of images, which temporary triggers fill. SQLite calls temporary
 * triggers before those of the table. So the first event of a row shows the row
 * as it was before the transaction, even if a trigger of the table changes the
 * row too. Temporary triggers also see the changes that other triggers and
 * foreign keys make in this table. */
#define IMAGES "temp.etl_load_images"

/* Finds a constraint of the table with ON CONFLICT REPLACE, or a trigger with
 * INSERT OR REPLACE, REPLACE or UPDATE OR REPLACE. Such a statement deletes the
 * rows that it replaces, and SQLite does not call the temporary triggers for
 * this. Returns a name for the message. LIKE ignores the case of letters. */
static const char replaces_sql[] =
    "SELECT CASE type WHEN 'table' THEN 'a constraint' "
    "ELSE 'the trigger ' || name END FROM main.sqlite_schema "
    "WHERE type = 'table' AND name = $1 COLLATE NOCASE "
    "AND sql LIKE '%CONFLICT%REPLACE%' "
    "OR type = 'trigger' AND (sql LIKE '%REPLACE%INTO%' "
    "OR replace(replace(replace(replace(sql, ' ', ''), char(9), ''), "
    "char(10), ''), char(13), '') LIKE '%UPDATEORREPLACE%') LIMIT 1";

/* Fails if SQLite may replace rows of the table. */
static int
check_replacing(void *self, struct err *e)
{
	struct lite_sink *s = self;
	const struct table *t = s->store.target->table;
	struct db_value v = db_text(t->base);
	struct db_rows *r;
	int rc;

	if (db_query(s->store.db, &r, replaces_sql, &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		v = db_column(r, 0);
		rc = err_set(e, ERR_CONFIG, false, "--keep-before, --emit: "
		    "table %s: %.*s makes SQLite replace rows (OR REPLACE, ON "
		    "CONFLICT REPLACE), and etl-load cannot see which rows "
		    "this deletes: load it without these options", t->name,
		    (int)v.len, v.p);
	}
	db_end(r);
	return rc;
}

/* The INSERT does nothing if the key has an image already. */
static void
put_insert_image(struct buf *b, const struct target *t, const char *row,
    bool deleted)
{
	buf_str(b, " INSERT INTO etl_load_images (key, before) VALUES (");
	image_put_columns(b, DB_SQLITE, t->table, t->identity.columns,
	    t->identity.n, row);
	buf_str(b, ", ");
	if (deleted)
		image_put_row(b, DB_SQLITE, t->table, row);
	else
		buf_str(b, "NULL");
	buf_str(b, ") ON CONFLICT (key) DO NOTHING;");
}

static void
put_image_trigger(struct buf *b, const struct target *t, const char *event,
    bool notes_old, bool notes_new)
{
	buf_printf(b, "CREATE TEMP TRIGGER \"etl_load_%s\" AFTER %s ON %s "
	    "FOR EACH ROW BEGIN", event, event, t->table->quoted);
	if (notes_old)
		put_insert_image(b, t, "OLD", true);
	if (notes_new)
		put_insert_image(b, t, "NEW", false);
	buf_str(b, " END;");
}

/* Appends the statements that make the table of images and its triggers. */
static void
put_image_table(struct buf *b, const struct target *t)
{
	buf_str(b, "DROP TABLE IF EXISTS " IMAGES "; "
	    "DROP TRIGGER IF EXISTS temp.\"etl_load_INSERT\"; "
	    "DROP TRIGGER IF EXISTS temp.\"etl_load_UPDATE\"; "
	    "DROP TRIGGER IF EXISTS temp.\"etl_load_DELETE\"; "
	    "CREATE TEMP TABLE etl_load_images (key TEXT PRIMARY KEY, "
	    "before TEXT, after TEXT);");
	put_image_trigger(b, t, "INSERT", false, true);
	put_image_trigger(b, t, "UPDATE", true, true);
	put_image_trigger(b, t, "DELETE", true, false);
}

static void
put_set_after(struct buf *b, const struct target *t)
{
	buf_str(b, "UPDATE " IMAGES " AS \"etl.i\" SET after = (SELECT ");
	image_put_row(b, DB_SQLITE, t->table, "\"etl.t\"");
	buf_printf(b, " FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	image_put_has_key(b, DB_SQLITE, t->table, t->identity.columns,
	    t->identity.n, "\"etl.t\"", "\"etl.i\".key");
	buf_char(b, ')');
}

static int
run_target_script(struct lite_sink *s, void (*put)(struct buf *,
    const struct target *), struct err *e)
{
	struct buf b;
	int rc = -1;

	buf_init(&b, SIZE_MAX / 4);
	put(&b, s->store.target);
	(void)buf_text(&b);
	if (buf_check(&b, e) == 0)
		rc = db_script(s->store.db, b.data, e);
	buf_release(&b);
	return rc;
}

/* Makes the table of images and the triggers that fill it. */
static int
watch_table(void *self, struct err *e)
{
	struct lite_sink *s = self;

	s->watched = true;
	return db_add_image_sql(s->store.db, e) == -1 ? -1 :
	    run_target_script(s, put_image_table, e);
}

/* Stores the images of the rows as they are now. */
static int
store_after(void *self, struct err *e)
{
	return run_target_script(self, put_set_after, e);
}

const struct sink_images lite_images = {
	.check = check_replacing,
	.start = watch_table,
	.finish = store_after,
};
