#include "sqlite/sqlite_sink.h"

#include "sqlite/sqlite_sql.h"
#include "sqlite/sqlite_value.h"
#include "table/columns_sql.h"

#include <stdlib.h>

#define WRITTEN "temp.etl_load_written"

void
lite_written_release(struct lite_sink *s)
{
	db_stmt_free(s->written.insert);
	free(s->written.key);
	s->written = (struct lite_written){ 0 };
}

/* Returns true if the table of written rows has keys, and false if it has
 * rowids. */
static bool
notes_row_keys(const struct target *t)
{
	return t->mode->updates;
}

/* Returns NULL if the table is a view, has no rowid, or has columns with all
 * three names of the rowid. */
static const char *
find_rowid_name(const struct table *t)
{
	return t->without_rowid || t->view ? NULL : sqlite_find_rowid(t);
}

static int
check_has_rowid(void *self, struct err *e)
{
	const struct lite_sink *s = self;
	const struct target *t = s->store.target;

	if (notes_row_keys(t) || find_rowid_name(t->table) != NULL)
		return 0;
	return err_set(e, ERR_CONFIG, false, "--expect: %s %s has no rowid, "
	    "by which the load could find the rows that it has inserted: only "
	    "rows and rejected can be tested%s",
	    t->table->view ? "view" : "table", t->table->name,
	    t->table->view ? "" : ", or use --mode upsert");
}

static void
put_written_table(struct buf *b, const struct target *t)
{
	buf_printf(b, "DROP TABLE IF EXISTS " WRITTEN "%s; CREATE TEMP TABLE "
	    "etl_load_written%s", t->suffix, t->suffix);
	if (!notes_row_keys(t)) {
		buf_str(b, " (id INTEGER PRIMARY KEY)");
		return;
	}
	buf_str(b, " AS SELECT ");
	sql_put_key(b, t);
	buf_printf(b, " FROM %s WHERE false", t->table->quoted);
}

static void
put_insert_written(struct buf *b, const struct target *t)
{
	buf_printf(b, "INSERT OR IGNORE INTO " WRITTEN "%s VALUES (",
	    t->suffix);
	if (!notes_row_keys(t))
		buf_str(b, "last_insert_rowid()");
	for (size_t i = 0; notes_row_keys(t) && i < t->nkey; i++)
		buf_printf(b, "%s$%zu", i > 0 ? ", " : "", i + 1);
	buf_char(b, ')');
}

static int
prepare_written(struct lite_sink *s, struct buf *create, struct buf *insert,
    struct err *e)
{
	const struct target *t = s->store.target;

	put_written_table(create, t);
	put_insert_written(insert, t);
	(void)buf_text(create);
	(void)buf_text(insert);
	if (buf_check(create, e) == -1 || buf_check(insert, e) == -1 ||
	    db_script(s->store.db, create->data, e) == -1)
		return -1;
	s->written.key = calloc(t->nkey + 1, sizeof(*s->written.key));
	return s->written.key == NULL ? err_nomem(e) :
	    db_prepare(s->store.db, &s->written.insert, insert->data, e);
}

static int
start_written(void *self, struct err *e)
{
	struct lite_sink *s = self;
	struct buf create, insert;
	int rc;

	lite_written_release(s);
	buf_init(&create, SIZE_MAX / 4);
	buf_init(&insert, SIZE_MAX / 4);
	rc = prepare_written(s, &create, &insert, e);
	buf_release(&create);
	buf_release(&insert);
	return rc;
}

int
lite_written_note(struct lite_sink *s, const struct shape *shape,
    enum lite_result r, struct err *e)
{
	const struct target *t = s->store.target;
	struct lite_written *w = &s->written;
	size_t n = 0;

	if (w->insert == NULL ||
	    (r != LITE_INSERTED && !notes_row_keys(t)))
		return 0;
	for (size_t at = 0; notes_row_keys(t) && n < t->nkey; n++, at = 0) {
		while (shape->columns[at] != t->key[n])
			at++;
		w->key[n] = s->store.values[at];
	}
	return db_stmt_run(w->insert, w->key, n, NULL, NULL, e);
}

static void
put_written_where(void *self, struct buf *b)
{
	const struct lite_sink *s = self;
	const struct target *t = s->store.target;

	buf_printf(b, "FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	if (!notes_row_keys(t))
		buf_printf(b, "\"etl.t\".%s", find_rowid_name(t->table));
	for (size_t i = 0; notes_row_keys(t) && i < t->nkey; i++)
		buf_printf(b, "%s\"etl.t\".%s", i == 0 ? "(" : ", ",
		    t->table->columns[t->key[i]].quoted);
	buf_printf(b, "%s IN (SELECT * FROM " WRITTEN "%s)",
	    notes_row_keys(t) ? ")" : "", t->suffix);
}

const struct sink_written lite_written = {
	.check = check_has_rowid,
	.start = start_written,
	.put_rows = put_written_where,
	.compares_by_type = sqlite_compares_by_type,
};
