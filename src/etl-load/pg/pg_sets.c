#include "pg/pg_sets.h"

#include "columns_sql.h"
#include "images.h"
#include "pg/pg_merge.h"
#include "pg/pg_sink.h"
#include "pg/pg_sql.h"
#include "row.h"
#include "target.h"

#include <inttypes.h>
#include <string.h>

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

/* Appends a statement that stores the images of all rows of the target. The
 * caller may append WHERE and a condition on the row, which is called
 * "etl.t". */
static void
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
	begin_noting(b, ++s->batch.noted);
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
	end_noting(b, t, s->batch.noted);
	return pg_run_script(s, e);
}

/* Appends statements that note the keys of some rows of the target, and store
 * the images of these rows. put_where() appends the condition that selects the
 * rows, which it calls "etl.t". `number` must be above 0. It marks these keys,
 * so that images of rows noted before are not stored again. */
static void
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

	s->batch.noted = 0;
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

static struct pg_scopes *
get_scopes(void *self)
{
	struct pg_sink *s = self;

	return &s->scopes;
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

/* Fails if the values of a column of --scope cannot be compared, or if the role
 * may not delete rows. */
static int
check_scopes(void *self, struct err *e)
{
	struct pg_scopes *s = get_scopes(self);

	return pg_tuples_check(&s->tuples, try_delete, s, e);
}

/* Forgets all scopes and empties the temporary table. */
static int
start_scopes(void *self, struct err *e)
{
	struct pg_scopes *s = get_scopes(self);
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

/* Copies the scopes of the records in o->chunk into the temporary table. */
static int
add_scopes(void *self, struct outcome *o, uint64_t *unreadable, struct err *e)
{
	struct pg_scopes *s = get_scopes(self);

	if (chunk_each_record(o, note_scope, s, unreadable, e) == -1)
		return -1;
	return pg_tuples_copy_new(&s->tuples, o->judge_all, unreadable, e);
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

static int
put_scope_ids(void *self, struct scope_ids *ids, struct err *e)
{
	struct pg_scopes *s = get_scopes(self);
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

static int
delete_scopes(void *self, struct outcome *o, struct err *e)
{
	struct pg_scopes *s = get_scopes(self);
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

static int
add_refused(void *self, struct outcome *o, struct err *e)
{
	struct pg_scopes *s = get_scopes(self);
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

static int
count_emptied(void *self, int64_t *n, struct err *e)
{
	struct pg_scopes *s = get_scopes(self);
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

static int
count_recordless(void *self, const struct scope_ids *recorded, int64_t *n,
    struct err *e)
{
	struct pg_scopes *s = get_scopes(self);
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

const struct sink_scopes pg_scopes_calls = {
	.check = check_scopes,
	.start = start_scopes,
	.add = add_scopes,
	.put_ids = put_scope_ids,
	.finish = delete_scopes,
	.add_rejected = add_refused,
	.count_emptied = count_emptied,
	.count_recordless = count_recordless,
};

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
run_mirror_sql(struct pg_mirror *m, int64_t *changed, struct err *e)
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
create_came_table(struct pg_mirror *m, struct err *e)
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
begin_mirror(void *self, struct err *e)
{
	struct pg_mirror *m = self;

	if (create_came_table(m, e) == -1)
		return -1;
	buf_clear(&m->sql);
	buf_str(&m->sql, "EXPLAIN ");
	put_remove_missing(&m->sql, m->target);
	if (run_mirror_sql(m, NULL, e) == 0)
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

	return pg_tuples_check(&m->rejected, begin_mirror, m, e);
}

/* Makes the empty table of keys, and counts the rows of the target. */
static int
start_pg_mirror(void *self, struct mirror_counts *c, struct err *e)
{
	struct pg_mirror *m = get_mirror(self);

	pg_tuples_forget(&m->rejected);
	if (!m->rejected.there && create_came_table(m, e) == -1)
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
	if (run_mirror_sql(m, NULL, e) == -1 ||
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
	pg_images_put_where(&s->sql, s->target, ++s->batch.noted,
	    put_where_missing);
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
	if (run_mirror_sql(m, &changed, e) == -1)
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

/* In a mode that updates, rows that are found unchanged count as written too.
 * So the sink notes the keys of all records in a temporary table. In other
 * modes, the written rows are those that this transaction has inserted. */
static bool
notes_keys(const struct pg_sink *s)
{
	return s->target->mode->updates;
}

static int
check_table_kind(void *self, struct err *e)
{
	static const char sql[] = "SELECT pg_catalog.count(*) "
	    "FROM pg_catalog.pg_class "
	    "WHERE oid = $1::text::regclass::oid AND relkind NOT IN ('r', 'p')";
	struct pg_sink *s = self;
	struct db_value v = db_text(s->target->table->quoted);
	int64_t n = 0;

	if (notes_keys(s) || s->target->swaps)
		return 0;
	if (db_query_int(s->db, sql, &v, 1, 0, &n, e) == -1)
		return -1;
	return n == 0 ? 0 : err_set(e, ERR_CONFIG, false, "--expect: %s is a "
	    "view or a foreign table, and neither shows which rows a load has "
	    "inserted: only rows and rejected can be tested",
	    s->target->table->name);
}

static int
create_key_table(void *self, struct err *e)
{
	struct pg_sink *s = self;

	s->batch.notes_keys = notes_keys(s);
	if (!s->batch.notes_keys)
		return 0;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "CREATE TEMP TABLE etl_load_written%s "
	    "ON COMMIT DROP AS SELECT ", s->target->suffix);
	sql_put_key(&s->sql, s->target);
	buf_printf(&s->sql, " FROM %s WITH NO DATA", s->target->table->quoted);
	return pg_run_script(s, e);
}

int
pg_written_note(struct pg_sink *s, bool some_refused, struct err *e)
{
	if (!s->batch.notes_keys)
		return 0;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "INSERT INTO " PG_WRITTEN "%s SELECT DISTINCT ",
	    s->target->suffix);
	sql_put_key(&s->sql, s->target);
	buf_printf(&s->sql, " FROM " PG_STAGE "%s", s->target->suffix);
	if (some_refused)
		buf_str(&s->sql, " WHERE \"etl.n\" NOT IN (SELECT n FROM "
		    PG_FOUND ")");
	return pg_run_script(s, e);
}

/* True if this transaction has inserted the row "etl.t". If it was inserted in
 * a savepoint, xmin is the id of a subtransaction. This id is above that of the
 * transaction, and pg_xact_status() reports it as 'in progress'. Rows of other
 * transactions in progress are not visible here.
 * pg_xact_status() fails for old ids, which the server has forgotten. So age()
 * excludes ids below that of this transaction first. xmin has only the lower 32
 * bits of an id: the full id is the id of this transaction plus the difference
 * of their lower 32 bits. */
#define THIS "(pg_catalog.pg_current_xact_id()::text::int8)"
static const char inserted_here[] =
    "CASE WHEN pg_catalog.age(\"etl.t\".xmin) OPERATOR(pg_catalog.<=) "
    "pg_catalog.age(pg_catalog.xid(pg_catalog.pg_current_xact_id())) "
    "THEN pg_catalog.pg_xact_status((" THIS " OPERATOR(pg_catalog.+) "
    "((\"etl.t\".xmin::text::int8 OPERATOR(pg_catalog.-) " THIS ") "
    "OPERATOR(pg_catalog.&) 4294967295))::text::xid8) "
    "OPERATOR(pg_catalog.=) 'in progress' ELSE false END";

static void
put_rows(void *self, struct buf *b)
{
	const struct pg_sink *s = self;

	buf_printf(b, "FROM %s AS \"etl.t\" WHERE ", s->target->table->quoted);
	if (!notes_keys(s)) {
		buf_str(b, inserted_here);
		return;
	}
	buf_printf(b, "EXISTS (SELECT FROM " PG_WRITTEN "%s AS \"etl.w\" "
	    "WHERE ", s->target->suffix);
	pg_put_same_key(b, s->target, "\"etl.t\"", "\"etl.w\"");
	buf_char(b, ')');
}

const struct sink_written pg_written = {
	.check = check_table_kind,
	.start = create_key_table,
	.put_rows = put_rows,
};
