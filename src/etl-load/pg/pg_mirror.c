#include "pg/pg_sink.h"

#include "pg/pg_history_sql.h"
#include "pg/pg_images.h"
#include "table/columns_sql.h"
#include "table/soft_delete.h"

/* The table of the keys of the records that came. "etl.staged" is true for a
 * record in the staging table, and NULL for a rejected record. A record may be
 * rejected after it was staged: then the table has its key twice. */
#define PG_CAME "pg_temp.etl_load_came"

void
pg_mirror_init(struct pg_mirror *m, struct db *db, const struct target *t)
{
	*m = (struct pg_mirror){ .db = db, .target = t,
		.key = { .columns = t->key, .n = t->nkey } };
	pg_tuples_init(&m->rejected, db, t, &m->key, PG_CAME, false);
	buf_init(&m->sql, SIZE_MAX / 2);
}

void
pg_mirror_release(struct pg_mirror *m)
{
	pg_tuples_release(&m->rejected);
	buf_release(&m->sql);
}

static struct pg_mirror *
get_mirror(void *self)
{
	struct pg_sink *s = self;

	return &s->mirror;
}

static int
run_sql(struct pg_mirror *m, int64_t *changed, struct err *e)
{
	const char *t = buf_finish(&m->sql, e);

	return t == NULL ? -1 : db_run(m->db, t, NULL, 0, changed, e);
}

static int
count_by_sql(struct pg_mirror *m, int64_t *n, struct err *e)
{
	const char *t = buf_finish(&m->sql, e);

	return t == NULL ? -1 : db_query_int(m->db, t, NULL, 0, 0, n, e);
}

static int
create_key_table(struct pg_mirror *m, struct err *e)
{
	const char *t;

	buf_clear(&m->sql);
	buf_printf(&m->sql, "DROP TABLE IF EXISTS " PG_CAME "%s; "
	    "CREATE TEMP TABLE etl_load_came%s %s AS "
	    "SELECT true AS \"etl.staged\", ", m->target->suffix,
	    m->target->suffix, m->target->on_commit);
	sql_put_key(&m->sql, m->target);
	buf_printf(&m->sql, " FROM %s WITH NO DATA", m->target->table->quoted);
	t = buf_finish(&m->sql, e);
	return t == NULL ? -1 : db_script(m->db, t, e);
}

/* Appends WHERE and a condition that is true if no record with the key of the
 * row "etl.t" came. */
static void
put_where_missing(struct buf *b, const struct target *t)
{
	buf_printf(b, " WHERE NOT EXISTS (SELECT FROM " PG_CAME
	    "%s AS \"etl.c\" WHERE ", t->suffix);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.c\"");
	buf_str(b, ")");
	soft_delete_put_live(b, t, " AND ", "\"etl.t\".");
}

/* Appends the statement that deletes the rows that did not come, marks them as
 * deleted or ends their validity. */
static void
put_remove_missing(struct buf *b, const struct target *t)
{
	if (t->mode->history) {
		pg_put_end_rows(b, t);
	} else if (t->soft_delete == NO_COLUMN) {
		buf_printf(b, "DELETE FROM %s AS \"etl.t\"", t->table->quoted);
	} else {
		buf_printf(b, "UPDATE %s AS \"etl.t\" SET ", t->table->quoted);
		pg_put_mark_deleted(b, t);
	}
	put_where_missing(b, t);
}

/* Makes the temporary table, and lets the server plan the DELETE without
 * executing it. */
static int
try_delete(void *self, struct err *e)
{
	struct pg_mirror *m = self;

	if (create_key_table(m, e) == -1)
		return -1;
	buf_clear(&m->sql);
	buf_str(&m->sql, "EXPLAIN ");
	put_remove_missing(&m->sql, m->target);
	if (run_sql(m, NULL, e) == 0)
		return 0;
	err_prefix(e, "table %s: rows that do not come cannot be %s",
	    m->target->table->name,
	    m->target->mode->history ? "closed" : "deleted");
	return -1;
}

/* Fails if the role may not delete the rows that do not come. */
static int
check_pg_mirror(void *self, struct err *e)
{
	struct pg_mirror *m = get_mirror(self);

	return pg_tuples_check(&m->rejected, try_delete, m, e);
}

/* Makes the empty table of keys, and counts the rows of the target. */
static int
start_pg_mirror(void *self, struct mirror_counts *c, struct err *e)
{
	struct pg_mirror *m = get_mirror(self);

	pg_tuples_forget(&m->rejected);
	if (!m->rejected.there && create_key_table(m, e) == -1)
		return -1;
	buf_clear(&m->sql);
	buf_printf(&m->sql, "SELECT pg_catalog.count(*) FROM %s AS \"etl.t\"",
	    m->target->table->quoted);
	soft_delete_put_live(&m->sql, m->target, " WHERE ", "\"etl.t\".");
	return count_by_sql(m, &c->before, e);
}

static int
note_rejected_key(void *self, struct reader *r, const struct line *l,
    struct err *e)
{
	struct pg_mirror *m = self;

	return pg_tuples_note(&m->rejected, r, l, e);
}

/* Adds the keys of the staged records and those of the rejected ones. */
static int
add_came_keys(void *self, struct outcome *o, uint64_t *unreadable,
    struct err *e)
{
	struct pg_mirror *m = get_mirror(self);

	buf_clear(&m->sql);
	buf_printf(&m->sql, "INSERT INTO " PG_CAME "%s SELECT true, ",
	    m->target->suffix);
	sql_put_key(&m->sql, m->target);
	buf_printf(&m->sql, " FROM " PG_STAGE "%s", m->target->suffix);
	if (run_sql(m, NULL, e) == -1 ||
	    chunk_each_rejected(o, note_rejected_key, m, unreadable, e) == -1)
		return -1;
	return pg_tuples_copy_new(
	    &m->rejected, o->judge_all, unreadable, e);
}

/* Appends AND and a condition that is false if a record with the key "etl.c"
 * was rejected. */
static void
put_not_rejected(struct buf *b, const struct target *t)
{
	buf_printf(b, " AND NOT EXISTS (SELECT FROM " PG_CAME "%s AS "
	    "\"etl.r\" WHERE \"etl.r\".\"etl.staged\" IS NULL AND ",
	    t->suffix);
	pg_put_same_key(b, t, "\"etl.r\"", "\"etl.c\"");
	buf_str(b, ")");
}

static int
count_strays(struct pg_mirror *m, int64_t *strays, struct err *e)
{
	const struct target *t = m->target;
	struct buf *b = &m->sql;

	buf_clear(b);
	buf_printf(b, "SELECT pg_catalog.count(*) FROM " PG_CAME
	    "%s AS \"etl.c\" WHERE \"etl.staged\" AND NOT EXISTS "
	    "(SELECT FROM %s AS \"etl.t\" WHERE ", t->suffix,
	    t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.c\"");
	buf_str(b, ")");
	put_not_rejected(b, t);
	return count_by_sql(m, strays, e);
}

/* Also counts the keys of loaded records that have no row. */
static int
count_missing(void *self, struct mirror_counts *c, struct err *e)
{
	struct pg_mirror *m = get_mirror(self);

	c->strays = 0;
	if (pg_avoid_loops(m->db, true, e) == -1)
		return -1;
	buf_clear(&m->sql);
	buf_printf(&m->sql, "SELECT pg_catalog.count(*) FROM %s AS \"etl.t\"",
	    m->target->table->quoted);
	put_where_missing(&m->sql, m->target);
	if (count_by_sql(m, &c->missing, e) == -1)
		return -1;
	return c->missing > 0 ?
	    count_strays(m, &c->strays, e) : 0;
}

static int
store_missing(struct pg_sink *s, struct err *e)
{
	buf_clear(&s->sql);
	pg_images_put_where(&s->sql, s->target, ++s->noted, put_where_missing);
	return pg_run_script(s, e);
}

/* Deletes the rows that did not come, marks them as deleted or ends their
 * validity. */
static int
remove_missing(void *self, uint64_t *removed, struct err *e)
{
	struct pg_mirror *m = get_mirror(self);
	int64_t changed = 0;

	if (m->target->keeps_images &&
	    store_missing(self, e) == -1)
		return -1;
	buf_clear(&m->sql);
	put_remove_missing(&m->sql, m->target);
	if (run_sql(m, &changed, e) == -1)
		return -1;
	*removed += (uint64_t)changed;
	return pg_avoid_loops(m->db, false, e);
}

const struct sink_mirror pg_mirror_calls = {
    .check = check_pg_mirror,
    .start = start_pg_mirror,
    .add = add_came_keys,
    .count = count_missing,
    .remove = remove_missing,
};
