#include "pg/pg_scopes.h"

#include "pg/pg_images.h"
#include "pg/pg_sql.h"
#include "table/columns_sql.h"
#include "table/record_part.h"

#include <string.h>

/* The table of the scopes of --mode delete-insert. A scope is a set of values
 * of the columns of --scope. */
#define PG_SCOPE "pg_temp.etl_load_scope"
/* The table of the scopes of rejected records. */
#define PG_REFUSED "pg_temp.etl_load_refused"

enum { MANY_DEAD = 1000 };

void
pg_scopes_init(struct pg_scopes *s, struct db *db, const struct target *t)
{
	*s = (struct pg_scopes){ .db = db, .target = t };
	pg_tuples_init(&s->tuples, db, t, &t->scope, PG_SCOPE, true);
	pg_tuples_init(&s->refused, db, t, &t->scope, PG_REFUSED, true);
	buf_init(&s->sql, SIZE_MAX / 2);
	buf_init(&s->emptied, SIZE_MAX / 4);
	keyset_init(&s->nulls);
}

void
pg_scopes_release(struct pg_scopes *s)
{
	pg_tuples_release(&s->tuples);
	pg_tuples_release(&s->refused);
	buf_release(&s->sql);
	buf_release(&s->emptied);
	keyset_release(&s->nulls);
}

static int
run_sql(struct pg_scopes *s, int64_t *changed, struct err *e)
{
	const char *sql = buf_finish(&s->sql, e);

	if (sql == NULL)
		return -1;
	return changed != NULL ? db_run(s->db, sql, NULL, 0, changed, e) :
	    db_script(s->db, sql, e);
}

/* `table` is without the schema pg_temp. */
static int
create_scopes(struct pg_scopes *s, const char *table, const char *on_commit,
    struct err *e)
{
	const char *suffix = s->target->suffix;

	buf_clear(&s->sql);
	buf_printf(&s->sql, "DROP TABLE IF EXISTS pg_temp.%s%s; "
	    "CREATE TEMP TABLE %s%s %s AS SELECT ",
	    table, suffix, table, suffix, on_commit);
	sql_put_columns(&s->sql, s->target, &s->target->scope, false);
	buf_printf(&s->sql, " FROM %s WITH NO DATA", s->target->table->quoted);
	return run_sql(s, NULL, e);
}

/* Appends the id of the scope of the row `row`. Equal values have the same
 * hash, also if they are spelled in different ways. */
static void
put_scope_id(struct buf *b, const struct pg_scopes *s, const char *row)
{
	const struct target *t = s->target;

	if (!s->hashes) {
		buf_str(b, "'-'");
		return;
	}
	buf_str(b, "pg_catalog.hash_record_extended(ROW(");
	for (size_t i = 0; i < t->scope.n; i++)
		buf_printf(b, "%s%s.%s", i > 0 ? ", " : "", row,
		    t->table->columns[t->scope.columns[i]].quoted);
	buf_str(b, "), 0)::text");
}

/* Sets s->hashes. A type may have no hash function, and servers before version
 * 14 have none for rows. Then all scopes have one id, so loads of different
 * scopes disturb each other. */
static int
read_hashes(struct pg_scopes *s, struct err *e)
{
	s->hashes = true;
	buf_clear(&s->sql);
	buf_str(&s->sql, "SAVEPOINT etl_hash; SELECT ");
	put_scope_id(&s->sql, s, "\"etl.s\"");
	buf_printf(&s->sql, " FROM (SELECT) AS one LEFT JOIN " PG_SCOPE
	    "%s AS \"etl.s\" ON true", s->target->suffix);
	if (run_sql(s, NULL, e) == 0)
		return 0;
	if (strcmp(db_fault(s->db)->sqlstate, "42883") != 0)
		return -1;
	s->hashes = false;
	return db_script(s->db, "ROLLBACK TO SAVEPOINT etl_hash", e);
}

/* DELETE takes less time than TRUNCATE. But it leaves dead rows, which make
 * later scans slower. So TRUNCATE is used when there are many dead rows. */
static int
empty_scopes(struct pg_scopes *s, struct err *e)
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
put_in_scopes(struct buf *b, const struct target *t, const char *nulls)
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
put_delete_scopes(struct buf *b, const struct target *t, const char *nulls)
{
	buf_printf(b, "DELETE FROM %s AS \"etl.t\"", t->table->quoted);
	put_in_scopes(b, t, nulls);
}

/* Appends a statement that deletes the rows and returns their number, and the
 * ids of their scopes, in quotes and separated by commas. */
static void
put_delete_ids(struct buf *b, const struct pg_scopes *s, const char *nulls)
{
	buf_str(b, "WITH d AS (");
	put_delete_scopes(b, s->target, nulls);
	buf_str(b, " RETURNING ");
	put_scope_id(b, s, "\"etl.t\"");
	buf_str(b, " AS id), g AS (SELECT d.id, pg_catalog.count(*) AS n "
	    "FROM d GROUP BY d.id) "
	    "SELECT coalesce(pg_catalog.sum(g.n), 0)::bigint, "
	    "pg_catalog.string_agg(pg_catalog.concat('\"', g.id, '\"'), ',') "
	    "FROM g");
}

static int
try_delete(void *self, struct err *e)
{
	struct pg_scopes *s = self;

	if (create_scopes(s, "etl_load_scope", s->target->on_commit, e) == -1 ||
	    (s->target->mode->by_scope && read_hashes(s, e) == -1))
		return -1;
	buf_clear(&s->sql);
	buf_str(&s->sql, "EXPLAIN ");
	put_delete_scopes(&s->sql, s->target, NULL);
	if (run_sql(s, NULL, e) == 0)
		return 0;
	err_prefix(e, "table %s: the rows of a scope cannot be deleted",
	    s->target->table->name);
	return -1;
}

int
pg_scopes_check(struct pg_scopes *s, struct err *e)
{
	return pg_tuples_check(&s->tuples, try_delete, s, e);
}

int
pg_scopes_start(struct pg_scopes *s, struct err *e)
{
	bool filled = s->tuples.copied > 0 || s->tuples.many;

	s->dead += s->tuples.many ? MANY_DEAD : s->tuples.copied;
	pg_tuples_forget(&s->tuples);
	pg_tuples_forget(&s->refused);
	s->refused.there = s->all_emptied = false;
	buf_clear(&s->emptied);
	keyset_clear(&s->nulls);
	return !s->tuples.there ? create_scopes(s, "etl_load_scope",
	    s->target->on_commit, e) :
	    filled ? empty_scopes(s, e) : 0;
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
	(void)keyset_add(&s->nulls, at, 0, &nomem);
	return nomem ? err_nomem(e) : 1;
}

static int
note_scope(void *self, struct reader *r, const struct line *l, struct err *e)
{
	struct pg_scopes *s = self;
	int rc = pg_tuples_note(&s->tuples, r, l, e);

	return rc == 1 ? note_nulls(s, r, e) : rc;
}

int
pg_scopes_add(struct pg_scopes *s, struct outcome *o, uint64_t *unreadable,
    struct err *e)
{
	return chunk_each_record(o, note_scope, s, unreadable,
	    e) == -1 ? -1 : pg_tuples_copy_new(&s->tuples, o->judge_all,
	    unreadable, e);
}

/* Runs s->sql, which returns one row: a number and a text. Appends the text to
 * *text. */
static int
query_count_text(struct pg_scopes *s, int64_t *number, struct buf *text,
    struct err *e)
{
	const char *sql = buf_finish(&s->sql, e);
	struct db_value v;
	struct db_rows *r;
	int rc;

	if (sql == NULL || db_query(s->db, &r, sql, NULL, 0, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		*number = db_column(r, 0).i;
		v = db_column(r, 1);
		if (v.type == DB_TEXT) {
			buf_str(text, text->len > 0 ? "," : "");
			buf_add(text, v.p, v.len);
		}
		rc = db_next(r, e);
	}
	db_end(r);
	(void)buf_text(text);
	return rc == -1 ? -1 : buf_check(text, e);
}

int
pg_scopes_put_ids(struct pg_scopes *s, struct scope_ids *ids, struct err *e)
{
	int64_t n = 0;

	*ids = (struct scope_ids){ .json = ids->json };
	buf_clear(&ids->json);
	s->ids = ids;
	buf_clear(&s->sql);
	buf_str(&s->sql, "SELECT pg_catalog.count(*), "
	    "pg_catalog.json_agg(q.id)::text FROM (SELECT DISTINCT ");
	put_scope_id(&s->sql, s, "\"etl.s\"");
	buf_printf(&s->sql, " AS id FROM " PG_SCOPE "%s AS \"etl.s\" LIMIT %d) "
	    "AS q", s->target->suffix, SCOPES_MAX + 1);
	if (query_count_text(s, &n, &ids->json, e) == -1)
		return -1;
	if (n == 0)
		buf_str(&ids->json, "[]");
	(void)buf_text(&ids->json);
	ids->n = (size_t)n;
	ids->many = n > SCOPES_MAX;
	return 0;
}

/* Deletes rows of the scopes, and notes which scopes had rows. Their ids need
 * not be asked for if there is one scope. If there are many, all count as
 * emptied. */
static int
delete_noting(struct pg_scopes *s, const char *nulls, int64_t *deleted,
    struct err *e)
{
	const bool asks = s->ids != NULL && s->ids->n > 1 && !s->ids->many;

	buf_clear(&s->sql);
	if (asks) {
		put_delete_ids(&s->sql, s, nulls);
		return query_count_text(s, deleted, &s->emptied, e);
	}
	put_delete_scopes(&s->sql, s->target, nulls);
	if (run_sql(s, deleted, e) == -1)
		return -1;
	s->all_emptied |= *deleted > 0;
	return 0;
}

/* Stores the images of the rows first if images are kept. */
static int
delete_with_images(struct pg_scopes *s, const char *nulls, struct sums *sums,
    struct err *e)
{
	int64_t deleted = 0;

	buf_clear(&s->sql);
	if (s->target->keeps_images) {
		pg_images_put_old(&s->sql, s->target);
		put_in_scopes(&s->sql, s->target, nulls);
		if (run_sql(s, NULL, e) == -1)
			return -1;
	}
	if (delete_noting(s, nulls, &deleted, e) == -1)
		return -1;
	sums->removed += (uint64_t)deleted;
	return 0;
}

int
pg_scopes_delete(struct pg_scopes *s, struct outcome *o, struct err *e)
{
	const struct keyset *k = &s->nulls;
	bool whole = s->tuples.many && !s->target->scope_has_index;

	if ((whole && pg_avoid_loops(s->db, true, e) == -1) ||
	    delete_with_images(s, NULL, &o->sums, e) == -1 ||
	    (whole && pg_avoid_loops(s->db, false, e) == -1))
		return -1;
	for (size_t i = 0; i < k->n; i++)
		if (delete_with_images(s, k->bytes.data + k->v[i].at, &o->sums,
		    e) == -1)
			return -1;
	return 0;
}

static int
note_refused(void *self, struct reader *r, const struct line *l, struct err *e)
{
	struct pg_scopes *s = self;

	return pg_tuples_note(&s->refused, r, l, e);
}

int
pg_scopes_add_rejected(struct pg_scopes *s, struct outcome *o, struct err *e)
{
	struct pg_tuples *t = &s->refused;
	uint64_t unreadable = 0;

	if (chunk_each_rejected(o, note_refused, s, &unreadable, e) == -1)
		return -1;
	if (t->seen.n == t->copied)
		return 0;
	if (!t->there && create_scopes(s, "etl_load_refused", "ON COMMIT DROP",
	    e) == -1)
		return -1;
	t->there = true;
	return pg_tuples_copy_new(t, o->judge_all, &unreadable, e);
}

/* Appends a JSON array of the ids of the scopes whose rows were deleted. */
static void
put_emptied(struct buf *b, const struct pg_scopes *s)
{
	if (s->all_emptied)
		buf_str(b, s->ids->json.data);
	else
		buf_printf(b, "[%s]", s->emptied.data);
}

int
pg_scopes_emptied(struct pg_scopes *s, int64_t *n, struct err *e)
{
	const char *suffix = s->target->suffix, *sql;

	*n = 0;
	if (!s->refused.there || (s->emptied.len == 0 && !s->all_emptied))
		return 0;
	buf_clear(&s->sql);
	buf_str(&s->sql, "SELECT pg_catalog.count(DISTINCT ");
	put_scope_id(&s->sql, s, "\"etl.r\"");
	buf_printf(&s->sql, ") FROM " PG_REFUSED "%s AS \"etl.r\"", suffix);
	if (!s->ids->many) {
		buf_str(&s->sql, " WHERE ");
		put_scope_id(&s->sql, s, "\"etl.r\"");
		buf_str(&s->sql, " IN (SELECT "
		    "pg_catalog.json_array_elements_text('");
		put_emptied(&s->sql, s);
		buf_str(&s->sql, "'::json))");
	}
	sql = buf_finish(&s->sql, e);
	return sql == NULL ? -1 : db_query_int(s->db, sql, NULL, 0, 0, n, e);
}

int
pg_scopes_recordless(struct pg_scopes *s, const struct scope_ids *recorded,
    int64_t *n, struct err *e)
{
	const char *sql;

	*n = 0;
	if (s->emptied.len == 0 && !s->all_emptied)
		return 0;
	buf_clear(&s->sql);
	buf_str(&s->sql, "SELECT pg_catalog.count(*) FROM ("
	    "SELECT pg_catalog.json_array_elements_text('");
	put_emptied(&s->sql, s);
	buf_printf(&s->sql, "'::json) EXCEPT SELECT "
	    "pg_catalog.json_array_elements_text('%s'::json)) AS q",
	    recorded->json.data);
	sql = buf_finish(&s->sql, e);
	return sql == NULL ? -1 : db_query_int(s->db, sql, NULL, 0, 0, n, e);
}
