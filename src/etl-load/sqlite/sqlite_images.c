#include "sqlite/sqlite_sink.h"

#include "images/image_sql.h"

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
