#include "evolve/evolve.h"

#include "base/text.h"
#include "create/value_kinds.h"
#include "evolve/column_width.h"

#include <string.h>

/* Returns the type for a STRICT table of SQLite, which allows only some types.
 * BOOLEAN and NUMERIC become ANY, because a column of the type ANY keeps each
 * number as it is. */
static const char *
find_strict_type(const char *type)
{
	return strcmp(type, "BOOLEAN") == 0 ||
	    strncmp(type, "NUMERIC", 7) == 0 ? "ANY" :
	    strcmp(type, "JSON") == 0 ? "TEXT" : type;
}

static const char *
find_new_type(const struct evolve *v, const struct keyset_entry *k,
    struct db *db, const struct table *t)
{
	const char *type = sample_find_type(&v->record,
	    v->added.bytes.data + k->at, k->len, k->value, db_kind(db));

	return t->strict ? find_strict_type(type) : type;
}

/* Finds the column of the table that entry number i names. Returns NULL if
 * there is none. */
static const struct column *
find_entry_column(const struct keyset *k, size_t i, const struct table *t)
{
	return evolve_find_column(t, k->bytes.data + k->v[i].at, k->v[i].len);
}

/* Appends one ALTER TABLE for each column on SQLite, which can add only one
 * column at a time. On PostgreSQL appends one ALTER TABLE with all changes: the
 * server then rewrites the table only once. */
int
evolve_put_statements(struct buf *b, const struct evolve *v, struct db *db,
    const struct table *t, struct err *e)
{
	bool lite = db_kind(db) == DB_SQLITE, any = false;
	const struct keyset_entry *k;
	const struct column *c;

	if (!lite)
		buf_printf(b, "ALTER TABLE %s ", t->quoted);
	for (size_t i = 0; i < v->added.n; i++, any = true) {
		k = &v->added.v[i];
		if (lite)
			buf_printf(b, "ALTER TABLE %s ADD COLUMN ", t->quoted);
		else
			buf_printf(b, "%sADD COLUMN IF NOT EXISTS ",
			    any ? ", " : "");
		if (db_quote_name(db, b, v->added.bytes.data + k->at, k->len,
			e) == -1)
			return -1;
		buf_printf(b, " %s%s", find_new_type(v, k, db, t), lite ?
		    ";\n" : "");
	}
	for (size_t i = 0; i < v->widened.n; i++) {
		if ((c = find_entry_column(&v->widened, i, t)) == NULL)
			continue;
		buf_str(b, any ? ", " : "");
		column_put_widening(b, c,
		    (enum column_width)v->widened.v[i].value);
		any = true;
	}
	if (!lite)
		buf_str(b, ";\n");
	(void)buf_text(b);
	return buf_check(b, e);
}

static int
lock_table(struct db *db, const struct table *t, struct err *e)
{
	const char *sql;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", t->quoted);
	sql = buf_finish(&b, e);
	rc = sql == NULL ? -1 : db_script(db, sql, e);
	buf_release(&b);
	return rc;
}

/* Locks the table and compares its columns with those that the loader has read:
 * a column that another program has widened since then must not become narrower
 * again. Returns 1: unchanged; 0: another program has altered it; -1 with
 * *e. */
static int
lock_unchanged(struct db *db, const struct table *t, struct err *e)
{
	bool changed = false;

	if (db_kind(db) == DB_POSTGRESQL && lock_table(db, t, e) == -1)
		return -1;
	return table_check_changed(db, t, NULL, 0, &changed, e) == -1 ? -1 :
	    !changed;
}

/* True if *e says that another program has added the column first. SQLite has
 * no ADD COLUMN IF NOT EXISTS, and only the text of its message tells this
 * error from others. On PostgreSQL the error cannot occur. */
static bool
was_added_before(struct db *db, const struct err *e)
{
	return db_kind(db) == DB_SQLITE &&
	    strstr(e->msg, "duplicate column name") != NULL;
}

/* Returns 1: altered; 0: another program has altered the table; -1 with *e. */
static int
alter_locked(struct db *db, const struct table *t, const char *sql,
    struct err *e)
{
	int rc;

	if (db_begin(db, e) == -1)
		return -1;
	rc = lock_unchanged(db, t, e);
	if (rc == 1 && db_script(db, sql, e) == -1)
		rc = was_added_before(db, e) ? 0 : -1;
	if (rc == 1 && db_commit(db, e) == -1)
		rc = -1;
	if (rc != 1)
		db_rollback(db);
	return rc;
}

/* Prints the text in b, and clears b. */
static void
print_line(struct buf *b)
{
	struct buf line;

	buf_init(&line, SIZE_MAX / 4);
	text_show(&line, b->data, b->len);
	err_note("etl-load", buf_text(&line));
	buf_release(&line);
	buf_clear(b);
}

static void
print_changes(const struct evolve *v, struct db *db, const struct table *t)
{
	const struct keyset_entry *k;
	const struct column *c;
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (size_t i = 0; i < v->added.n; i++) {
		k = &v->added.v[i];
		buf_printf(&b, "table %s: --evolve has added column \"%.*s\" "
		    "(%s)", t->name, (int)k->len, v->added.bytes.data + k->at,
		    find_new_type(v, k, db, t));
		print_line(&b);
	}
	for (size_t i = 0; i < v->widened.n; i++) {
		if ((c = find_entry_column(&v->widened, i, t)) == NULL)
			continue;
		buf_printf(&b, "table %s: --evolve has changed the type of "
		    "column \"%s\" from %s to %s", t->name, c->name, c->type,
		    column_width_type(
			(enum column_width)v->widened.v[i].value));
		print_line(&b);
	}
	buf_release(&b);
}

/* Adds advice to the error of an ALTER TABLE. SQLSTATE 0A000 means that another
 * object depends on the column, for example a view; the message names this
 * object. */
static void
advise_refused(const struct db *db, const struct table *t, struct err *e)
{
	const struct err why = *e;
	bool in_the_way = strcmp(db_fault(db)->sqlstate, "0A000") == 0;

	if (e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	if (e->code == ERR_CONFIG)
		(void)err_set(e, ERR_CONFIG, false, "%s; %sload without "
		    "--evolve: such a record is then rejected", why.msg,
		    in_the_way ? "drop it and make it again after the load, "
		    "or " : "");
	err_prefix(e, "--evolve: table %s", t->name);
}

int
evolve_alter_table(struct evolve *v, struct db *db, const struct table *t,
    struct err *e)
{
	struct buf sql;
	int rc;

	buf_init(&sql, SIZE_MAX / 4);
	rc = evolve_put_statements(&sql, v, db, t, e);
	if (rc == 0)
		rc = alter_locked(db, t, sql.data, e);
	buf_release(&sql);
	if (rc == 1) {
		v->total += v->added.n;
		print_changes(v, db, t);
	} else if (rc == -1 && !e->transient) {
		advise_refused(db, t, e);
	}
	return rc == -1 ? -1 : 0;
}
