#include "pg/pg_images.h"

#include "images/image_sql.h"
#include "pg/pg_inserted_keys.h"
#include "pg/pg_sink.h"
#include "pg/pg_stage_sql.h"
#include "table/columns_sql.h"

#include <inttypes.h>

/* The temporary table of images of rows as they were before the transaction. */
#define OLD "pg_temp.etl_load_old"

/* Returns the columns whose values are noted in PG_TOUCHED: the key of the mode
 * or, if the mode has no key, the columns that identify a row. */
static struct shape
get_noted_columns(const struct target *t)
{
	return t->mode->keyed ?
	    (struct shape){ .columns = t->key, .n = t->nkey } : t->identity;
}

static const char *
quoted(const struct target *t, size_t column)
{
	return t->table->columns[column].quoted;
}

/* Appends a condition that is true if PG_TOUCHED has the key of the row `from`.
 * If number > 0, only the keys that were noted with this number are
 * compared. */
static void
put_key_is_noted(struct buf *b, const struct target *t, const char *from,
    uint64_t number)
{
	struct shape touched = get_noted_columns(t);

	buf_str(b, "EXISTS (SELECT FROM " PG_TOUCHED " AS \"etl.k\" WHERE ");
	if (number > 0)
		buf_printf(b, "\"etl.k\".\"etl.n\" = %" PRIu64 " AND ",
		    number);
	for (size_t i = 0; i < touched.n; i++) {
		const struct column *c = &t->table->columns[touched.columns[i]];

		buf_str(b, i > 0 ? " AND " : "");
		pg_put_equal(b, c, from, "\"etl.k\"", c->quoted);
	}
	buf_char(b, ')');
}

void
pg_images_put_old(struct buf *b, const struct target *t)
{
	buf_str(b, "INSERT INTO " OLD " SELECT ");
	image_put_columns(b, DB_POSTGRESQL, t->table, t->identity.columns,
	    t->identity.n, "\"etl.t\"");
	buf_str(b, ", ");
	image_put_row(b, DB_POSTGRESQL, t->table, "\"etl.t\"");
	buf_printf(b, " FROM %s AS \"etl.t\"", t->table->quoted);
}

/* Begins a statement that adds keys to PG_TOUCHED, unless they are already
 * there. The caller appends the key's columns and FROM, and calls end_noting().
 * That appends a second statement, which stores the images of the rows with
 * these keys. */
static void
begin_noting(struct buf *b, uint64_t number)
{
	buf_printf(b, "INSERT INTO " PG_TOUCHED " SELECT DISTINCT %" PRIu64
	    ", \"etl.w\".* FROM (SELECT ", number);
}

static void
end_noting(struct buf *b, const struct target *t, uint64_t number)
{
	buf_str(b, ") AS \"etl.w\" WHERE NOT ");
	put_key_is_noted(b, t, "\"etl.w\"", 0);
	buf_str(b, "; ");
	pg_images_put_old(b, t);
	buf_str(b, " WHERE ");
	put_key_is_noted(b, t, "\"etl.t\"", number);
}

/* A change of --mode cdc may have two keys, the old one and the new one. The
 * rows of both are stored as images. */
int
pg_images_store(struct pg_sink *s, struct err *e)
{
	const struct target *t = s->target;
	struct buf *b = &s->sql;

	if (!t->keeps_images || !t->mode->keyed)
		return 0;
	buf_clear(b);
	begin_noting(b, ++s->noted);
	sql_put_key(b, t);
	buf_printf(b, " FROM " PG_STAGE "%s", t->suffix);
	if (t->mode->changes) {
		buf_str(b, " UNION ALL SELECT ");
		for (size_t i = 0; i < t->nkey; i++) {
			buf_str(b, i > 0 ? ", " : "");
			pg_put_old_column(b, i);
		}
		buf_printf(b, " FROM " PG_STAGE "%s", t->suffix);
	}
	end_noting(b, t, s->noted);
	return pg_run_script(s, e);
}

void
pg_images_put_where(struct buf *b, const struct target *t, uint64_t number,
    void (*put_where)(struct buf *, const struct target *))
{
	const char *comma = "";

	begin_noting(b, number);
	for (size_t i = 0; i < t->nkey; i++, comma = ", ")
		buf_printf(b, "%s\"etl.t\".%s", comma, quoted(t, t->key[i]));
	buf_printf(b, " FROM %s AS \"etl.t\"", t->table->quoted);
	put_where(b, t);
	end_noting(b, t, number);
	buf_str(b, "; ");
}

/* Fails if the table may have equal keys, or cannot be locked. A table may have
 * equal keys if another table inherits from it: a query then returns the rows
 * of both. */
static int
check_image_table(void *self, struct err *e)
{
	struct pg_sink *s = self;
	struct db_value v = db_text(s->target->table->quoted);
	int64_t n = 0;

	if (db_query_int(s->db, db_sql(s->db, SQL_TABLE_MAY_HAVE_EQUAL_KEYS),
	    &v, 1, 0, &n, e) == -1)
		return -1;
	return n == 0 ? 0 : err_set(e, ERR_CONFIG, false, "--keep-before, "
	    "--emit: %s is a foreign table (its rows cannot be locked), or "
	    "another table inherits from it (two rows may then have one key): "
	    "load it without these options", s->target->table->name);
}

/* Keeps other sessions from writing to the table. If one of them changed a row
 * between its image and its change, the image would be wrong. */
static int
start_images(void *self, struct err *e)
{
	struct pg_sink *s = self;
	const struct target *t = s->target;
	struct shape touched = get_noted_columns(t);

	s->noted = 0;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE; "
	    "CREATE TEMP TABLE etl_load_old (key text, before text) "
	    "ON COMMIT DROP; CREATE TEMP TABLE etl_load_touched ON COMMIT DROP "
	    "AS SELECT 0::int8 AS \"etl.n\", ", t->table->quoted);
	sql_put_columns(&s->sql, t, &touched, false);
	buf_printf(&s->sql, " FROM %s WITH NO DATA", t->table->quoted);
	if (pg_run_script(s, e) == 0)
		return 0;
	err_prefix(e, "--keep-before, --emit: table %s", t->table->name);
	return -1;
}

/* Makes the table of images from the rows as they were before and as they are
 * now. */
static int
finish_images(void *self, struct err *e)
{
	struct pg_sink *s = self;
	const struct target *t = s->target;
	struct buf *b = &s->sql;

	buf_clear(b);
	buf_str(b, "CREATE TEMP TABLE etl_load_images ON COMMIT DROP AS "
	    "SELECT coalesce(o.key, n.key) AS key, o.before, n.after "
	    "FROM " OLD " AS o FULL JOIN (SELECT ");
	image_put_columns(b, DB_POSTGRESQL, t->table, t->identity.columns,
	    t->identity.n, "\"etl.t\"");
	buf_str(b, " AS key, ");
	image_put_row(b, DB_POSTGRESQL, t->table, "\"etl.t\"");
	buf_printf(b, " AS after FROM %s AS \"etl.t\" WHERE ",
	    t->table->quoted);
	put_key_is_noted(b, t, "\"etl.t\"", 0);
	buf_str(b, ") AS n ON o.key OPERATOR(pg_catalog.=) n.key");
	return pg_run_script(s, e);
}

const struct sink_images pg_images = {
	.check = check_image_table,
	.start = start_images,
	.finish = finish_images,
};
