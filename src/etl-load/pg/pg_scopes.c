#include "pg/pg_scopes.h"

#include "pg/pg_images.h"
#include "pg/pg_sql.h"
#include "table/columns_sql.h"
#include "table/record_part.h"

/* The table of the scopes of --mode delete-insert. A scope is a set of values
 * of the columns of --scope. */
#define PG_SCOPE "pg_temp.etl_load_scope"

enum { MANY_DEAD = 1000 };

void
pg_scopes_init(struct pg_scopes *s, struct db *db, const struct target *t)
{
	*s = (struct pg_scopes){ .db = db, .target = t };
	pg_tuples_init(&s->tuples, db, t, &t->scope, PG_SCOPE, true);
	buf_init(&s->sql, SIZE_MAX / 2);
	keyset_init(&s->nulls);
}

void
pg_scopes_release(struct pg_scopes *s)
{
	pg_tuples_release(&s->tuples);
	buf_release(&s->sql);
	keyset_release(&s->nulls);
}

static int
run_sql(struct pg_scopes *s, int64_t *changed, struct err *e)
{
	const char *sql = buf_text_or_fail(&s->sql, e);

	if (sql == NULL)
		return -1;
	return changed != NULL ? db_run(s->db, sql, NULL, 0, changed, e) :
	    db_script(s->db, sql, e);
}

static int
create_table_of_scopes(struct pg_scopes *s, struct err *e)
{
	buf_clear(&s->sql);
	buf_printf(&s->sql, "DROP TABLE IF EXISTS " PG_SCOPE "%s; "
	    "CREATE TEMP TABLE etl_load_scope%s %s AS SELECT ",
	    s->target->suffix, s->target->suffix, s->target->on_commit);
	sql_put_columns(&s->sql, s->target, &s->target->scope, false);
	buf_printf(&s->sql, " FROM %s WITH NO DATA", s->target->table->quoted);
	return run_sql(s, NULL, e);
}

/* DELETE takes less time than TRUNCATE. But it leaves dead rows, which make
 * later scans slower. So TRUNCATE is used when there are many dead rows. */
static int
empty_table_of_scopes(struct pg_scopes *s, struct err *e)
{
	bool truncate = s->dead >= MANY_DEAD;

	if (truncate)
		s->dead = 0;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "%s " PG_SCOPE "%s", truncate ? "TRUNCATE" :
	    "DELETE FROM", s->target->suffix);
	return run_sql(s, NULL, e);
}

/* Appends WHERE and a condition that selects the rows "etl.t" of some scopes.
 * If `nulls` is NULL, these are the scopes without a NULL. Otherwise these are
 * the scopes with a NULL in the columns that have a 1 in `nulls`, and in no
 * other column: 01 means that the second of two columns is NULL.
 * The other columns are compared by equality, so that the server can hash or
 * sort the scopes, or look up their rows in an index. It could not if one
 * statement compared NULLs too, by IS NOT DISTINCT FROM. */
static void
put_where_in_scopes(struct buf *b, const struct target *t, const char *nulls)
{
	const struct shape *s = &t->scope;

	buf_printf(b, " WHERE EXISTS (SELECT FROM " PG_SCOPE "%s AS \"etl.s\" "
	    "WHERE ", t->suffix);
	for (size_t i = 0; i < s->n; i++) {
		const struct column *c = &t->table->columns[s->columns[i]];

		buf_str(b, i > 0 ? " AND " : "");
		if (nulls != NULL && nulls[i] == '1')
			buf_printf(b, "\"etl.t\".%s IS NULL AND "
			    "\"etl.s\".%s IS NULL", c->quoted, c->quoted);
		else
			pg_put_equal(b, c, "\"etl.t\"", "\"etl.s\"",
			    c->quoted);
	}
	buf_char(b, ')');
}

static void
put_delete_rows_of_scopes(struct buf *b, const struct target *t,
    const char *nulls)
{
	buf_printf(b, "DELETE FROM %s AS \"etl.t\"", t->table->quoted);
	put_where_in_scopes(b, t, nulls);
}

static int
create_table_and_explain_delete(void *self, struct err *e)
{
	struct pg_scopes *s = self;

	if (create_table_of_scopes(s, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_str(&s->sql, "EXPLAIN ");
	put_delete_rows_of_scopes(&s->sql, s->target, NULL);
	if (run_sql(s, NULL, e) == 0)
		return 0;
	err_prefix(e, "table %s: the rows of a scope cannot be deleted",
	    s->target->table->name);
	return -1;
}

int
pg_scopes_explain_delete(struct pg_scopes *s, struct err *e)
{
	return pg_tuples_check_in_transaction(
	    &s->tuples, create_table_and_explain_delete, s, e);
}

int
pg_scopes_forget_and_empty_table(struct pg_scopes *s, struct err *e)
{
	bool filled = s->tuples.copied > 0 || s->tuples.many;

	s->dead += s->tuples.many ? MANY_DEAD : s->tuples.copied;
	pg_tuples_forget(&s->tuples);
	keyset_clear(&s->nulls);
	return !s->tuples.there ? create_table_of_scopes(s, e) :
	    filled ? empty_table_of_scopes(s, e) : 0;
}

/* If the scope of the record has a NULL, notes which of its columns are
 * NULL. */
static int
note_nulls(struct pg_scopes *s, const struct reader *r, struct err *e)
{
	const struct shape *scope = &s->target->scope;
	size_t at = s->nulls.bytes.len;
	bool nomem;

	if (!record_part_has_null(r, scope))
		return 1;
	for (size_t i = 0; i < scope->n; i++)
		buf_char(&s->nulls.bytes,
		    record_part_is_null(r, scope->columns[i]) ? '1' : '0');
	(void)keyset_add_or_find(&s->nulls, at, 0, &nomem);
	return nomem ? err_nomem(e) : 1;
}

static int
note_scope_and_its_nulls(void *self, struct reader *r, const struct line *l,
    struct err *e)
{
	struct pg_scopes *s = self;
	int rc = pg_tuples_note(&s->tuples, r, l, e);

	return rc == 1 ? note_nulls(s, r, e) : rc;
}

int
pg_scopes_note_and_copy(struct pg_scopes *s, struct outcome *o,
    uint64_t *unreadable, struct err *e)
{
	return chunk_for_each_record(o, note_scope_and_its_nulls, s, unreadable,
	    e) == -1 ? -1 : pg_tuples_copy_new(&s->tuples, o->judge_all,
	    unreadable, e);
}

static int
store_images_and_delete_rows(
    struct pg_scopes *s, const char *nulls, struct sums *sums, struct err *e)
{
	int64_t deleted = 0;

	buf_clear(&s->sql);
	if (s->target->keeps_images) {
		pg_images_put_store_old_rows(&s->sql, s->target);
		put_where_in_scopes(&s->sql, s->target, nulls);
		if (run_sql(s, NULL, e) == -1)
			return -1;
	}
	buf_clear(&s->sql);
	put_delete_rows_of_scopes(&s->sql, s->target, nulls);
	if (run_sql(s, &deleted, e) == -1)
		return -1;
	sums->removed += (uint64_t)deleted;
	return 0;
}

int
pg_scopes_delete_rows(struct pg_scopes *s, struct outcome *o, struct err *e)
{
	const struct keyset *k = &s->nulls;
	bool whole = s->tuples.many && !s->target->scope_has_index;

	if ((whole && pg_avoid_nested_loops(s->db, true, e) == -1) ||
	    store_images_and_delete_rows(s, NULL, &o->sums, e) == -1 ||
	    (whole && pg_avoid_nested_loops(s->db, false, e) == -1))
		return -1;
	for (size_t i = 0; i < k->n; i++)
		if (store_images_and_delete_rows(
			s, k->bytes.data + k->v[i].at, &o->sums, e) == -1)
			return -1;
	return 0;
}
