#include "pg/pg_scopes.h"

#include "base/stop.h"
#include "pg/pg_copy_text.h"
#include "pg/pg_fault.h"
#include "pg/pg_sql.h"
#include "pg/pg_unchanged.h"
#include "table/columns_sql.h"
#include "table/scope.h"

enum {
	STOP_EVERY = 256,
	SEEN_MAX = 1 << 20      /* bytes of the scopes that are remembered; a
	                         * scope that was forgotten is copied again */
};

void
pg_scopes_init(struct pg_scopes *s, struct db *db, const struct target *t)
{
	*s = (struct pg_scopes){ .db = db, .target = t };
	buf_init(&s->sql, SIZE_MAX / 2);
	buf_init(&s->scratch, SIZE_MAX / 2);
	keyset_init(&s->seen);
	keyset_init(&s->nulls);
}

void
pg_scopes_release(struct pg_scopes *s)
{
	buf_release(&s->sql);
	buf_release(&s->scratch);
	keyset_release(&s->seen);
	keyset_release(&s->nulls);
}

static int
run_sql(struct pg_scopes *s, int64_t *changed, struct err *e)
{
	const char *sql = buf_text(&s->sql);

	if (buf_check(&s->sql, e) == -1)
		return -1;
	return changed != NULL ? db_run(s->db, sql, NULL, 0, changed, e) :
	    db_script(s->db, sql, e);
}

static int
create_table_of_scopes(struct pg_scopes *s, struct err *e)
{
	buf_clear(&s->sql);
	pg_put_create_scope_table(&s->sql, s->target);
	return run_sql(s, NULL, e);
}

static int
create_table_and_explain_delete(struct pg_scopes *s, struct err *e)
{
	if (create_table_of_scopes(s, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_str(&s->sql, "EXPLAIN ");
	pg_put_delete_scopes(&s->sql, s->target, NULL);
	if (run_sql(s, NULL, e) == 0)
		return 0;
	err_prefix(e, "table %s: the rows of a scope cannot be deleted",
	    s->target->table->name);
	return -1;
}

/* In one transaction: without one, a pool could run the two statements in two
 * sessions. */
int
pg_scopes_check(struct pg_scopes *s, struct err *e)
{
	int rc;

	if (db_begin(s->db, e) == -1)
		return -1;
	rc = create_table_and_explain_delete(s, e);
	if (rc == 0 && (rc = db_commit(s->db, e)) == 0)
		s->there = true;
	else
		db_rollback(s->db);
	return rc;
}

int
pg_scopes_start(struct pg_scopes *s, struct err *e)
{
	keyset_clear(&s->seen);
	keyset_clear(&s->nulls);
	s->copied = 0;
	return s->there ? 0 : create_table_of_scopes(s, e);
}

/* Sends a COPY of the scopes number `from` to `to` - 1. */
static int
copy_scopes(struct pg_scopes *s, size_t from, size_t to, struct err *e)
{
	const struct keyset *k = &s->seen;
	int64_t rows;

	buf_clear(&s->sql);
	buf_str(&s->sql, "COPY " PG_SCOPE " (");
	sql_put_columns(&s->sql, s->target, &s->target->scope, false);
	buf_str(&s->sql, ") FROM STDIN");
	(void)buf_text(&s->sql);
	if (buf_check(&s->sql, e) == -1 ||
	    db_copy_begin(s->db, buf_text(&s->sql), e) == -1)
		return -1;
	for (; from < to; from++)
		if (db_copy_data(s->db, k->bytes.data + k->v[from].at,
		    k->v[from].len, e) == -1)
			return -1;
	return db_copy_end(s->db, &rows, e);
}

/* Returns 1: copied; 0: the server refused a scope, and none was copied; -1
 * with *e. */
static int
copy_scopes_or_roll_back(struct pg_scopes *s, size_t from, size_t to,
    bool judge_all, struct err *e)
{
	if (db_script(s->db, "SAVEPOINT etl_scope", e) == -1)
		return -1;
	if (copy_scopes(s, from, to, e) == 0)
		return db_script(s->db, "RELEASE SAVEPOINT etl_scope", e) == -1
			   ? -1
			   : 1;
	if (!pg_record_may_be_cause(db_fault(s->db), judge_all))
		return -1;
	return db_script(s->db, "ROLLBACK TO SAVEPOINT etl_scope; "
	    "RELEASE SAVEPOINT etl_scope", e);
}

/* Copies the scopes that were found since the last call. If the server refuses
 * one, finds it by halves: no row has a value that its column cannot hold. */
static int
copy_new_scopes(struct pg_scopes *s, bool judge_all, uint64_t *unreadable,
    struct err *e)
{
	size_t size = s->seen.n - s->copied, to;
	int rc;

	while (s->copied < s->seen.n) {
		to = s->seen.n - s->copied > size ? s->copied + size :
		    s->seen.n;
		rc = copy_scopes_or_roll_back(
		    s, s->copied, to, judge_all, e);
		if (rc == -1)
			return -1;
		if (rc == 1) {
			size *= 2;
			s->copied = to;
		} else if (size > 1) {
			size /= 2;
		} else {
			(*unreadable)++;
			s->copied = to;
		}
	}
	if (s->seen.bytes.len > SEEN_MAX) {
		keyset_clear(&s->seen);
		s->copied = 0;
	}
	return 0;
}

static bool
is_null(const struct reader *r, size_t column)
{
	return r->json.tok[r->value[column]].type == JSON_NULL;
}

/* Notes which columns of the scope that was read are NULL, if there are any. */
static int
note_nulls(struct pg_scopes *s, const struct reader *r, struct err *e)
{
	const struct shape *scope = &s->target->scope;
	size_t at = s->nulls.bytes.len, i = 0;
	bool nomem;

	while (i < scope->n && !is_null(r, scope->columns[i]))
		i++;
	if (i == scope->n)
		return 0;
	for (i = 0; i < scope->n; i++)
		buf_char(&s->nulls.bytes,
		    is_null(r, scope->columns[i]) ? '1' : '0');
	(void)keyset_add_or_find(&s->nulls, at, 0, &nomem);
	return nomem ? err_nomem(e) : 0;
}

/* Notes the scope that was read, unless it was found before. */
static int
note_scope(struct pg_scopes *s, struct reader *r, struct err *e)
{
	const struct shape *scope = &s->target->scope;
	struct buf *b = &s->seen.bytes;
	size_t at = b->len;
	bool nomem;

	if (note_nulls(s, r, e) == -1)
		return -1;
	pg_put_copy_values(b, r, scope, &s->scratch);
	buf_char(b, '\n');
	(void)keyset_add_or_find(&s->seen, at, 0, &nomem);
	return nomem ? err_nomem(e) : 0;
}

static int
read_and_note_scope(struct pg_scopes *s, struct reader *r,
    const struct line *l, uint64_t *unreadable, struct err *e)
{
	struct reject why;
	int rc = scope_read(r, l, e);

	if (rc == 1 && s->target->checks_change)
		rc = pg_reject_changed_values(
		    r, &s->target->scope, &s->scratch, &why, e);
	*unreadable += rc == 0;
	return rc == 1 ? note_scope(s, r, e) : rc;
}

int
pg_scopes_copy(struct pg_scopes *s, struct outcome *o, uint64_t *unreadable,
    struct err *e)
{
	for (size_t i = 0; i < o->chunk->n; i++) {
		const struct line l = spool_get_line(o->chunk, i);

		if (i % STOP_EVERY == 0 && stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		if (o->chunk->items[i].kind == ITEM_RECORD &&
		    read_and_note_scope(s, &o->reader, &l, unreadable, e) == -1)
			return -1;
	}
	return copy_new_scopes(s, o->judge_all, unreadable, e);
}

static int
delete_rows_and_count(
    struct pg_scopes *s, const char *nulls, struct sums *sums, struct err *e)
{
	int64_t deleted = 0;

	buf_clear(&s->sql);
	pg_put_delete_scopes(&s->sql, s->target, nulls);
	if (run_sql(s, &deleted, e) == -1)
		return -1;
	sums->removed += (uint64_t)deleted;
	return 0;
}

int
pg_scopes_delete_rows(struct pg_scopes *s, struct outcome *o, struct err *e)
{
	const struct keyset *k = &s->nulls;

	if (delete_rows_and_count(s, NULL, &o->sums, e) == -1)
		return -1;
	for (size_t i = 0; i < k->n; i++)
		if (delete_rows_and_count(
			s, k->bytes.data + k->v[i].at, &o->sums, e) == -1)
			return -1;
	return 0;
}
