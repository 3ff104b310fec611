#include "pg/pg_swap.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/retry.h"
#include "db/db.h"

#include <stdio.h>
#include <string.h>

static int
pg_swap_query_lines(struct db *db, struct buf *b, enum sql_id id,
    const struct db_value *v, size_t n, const char *between, struct err *e)
{
	struct db_rows *r;
	int rc;

	buf_clear(b);
	if (db_query(db, &r, db_sql(db, id), v, n, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		struct db_value line = db_column(r, 0);

		if (b->len > 0)
			buf_str(b, between);
		buf_add(b, line.p, line.len);
	}
	db_end(r);
	(void)buf_text(b);
	return rc == -1 ? -1 : buf_check(b, e);
}

enum part { NEW_TABLE = 1, INDEXES, SWAP, MESSAGES };

static int
restrict_path(struct pg_swap *s, struct err *e)
{
	return db_script(s->db, db_sql(s->db, SQL_SWAP_RESTRICT_PATH), e);
}

static int
restore_path(struct pg_swap *s, struct err *e)
{
	return db_script(s->db, db_sql(s->db, SQL_SWAP_RESTORE_PATH), e);
}

/* The name is random, so that no other object can have it. */
static void
make_name(struct pg_swap *s)
{
	char random[33];

	random_hex(random, sizeof(random) - 1);
	(void)snprintf(s->name, sizeof(s->name), "etl_new_%s", random);
}

int
pg_swap_open(
    struct pg_swap *s, struct db *db, const struct target *t, struct err *e)
{
	const struct table *old = t->table;

	s->db = db;
	s->old = t;
	buf_init(&s->quoted, SIZE_MAX / 4);
	buf_init(&s->sql, SIZE_MAX / 4);
	buf_init(&s->before, SIZE_MAX / 4);
	buf_init(&s->messages, SIZE_MAX / 4);
	make_name(s);
	db_append_quoted(&s->quoted, old->schema, strlen(old->schema));
	buf_char(&s->quoted, '.');
	db_append_quoted(&s->quoted, s->name, strlen(s->name));
	(void)buf_text(&s->quoted);
	if (buf_check(&s->quoted, e) == -1)
		return -1;
	s->table = *old;
	s->table.quoted = s->quoted.data;
	s->target = *t;
	s->target.table = &s->table;
	return 0;
}

void
pg_swap_close(struct pg_swap *s)
{
	buf_release(&s->quoted);
	buf_release(&s->sql);
	buf_release(&s->before);
	buf_release(&s->messages);
}

static int
query_statements(
    struct pg_swap *s, struct buf *b, enum part part, struct err *e)
{
	struct db_value v[] = { db_text(s->old->table->quoted),
		db_text(s->name), DB_I(part) };

	return pg_swap_query_lines(
	    s->db, b, SQL_SWAP_STATEMENTS, v, 3, ";\n", e);
}

static int
run_statements(struct pg_swap *s, enum part part, struct err *e)
{
	if (query_statements(s, &s->sql, part, e) == -1)
		return -1;
	return s->sql.len == 0 ? 0 : db_script(s->db, s->sql.data, e);
}

/* table is the quoted name of the old or of the new table. */
static int
query_description(
    struct pg_swap *s, const char *table, struct buf *b, struct err *e)
{
	struct db_value v = db_text(table);

	return pg_swap_query_lines(
	    s->db, b, SQL_SWAP_DESCRIPTION, &v, 1, "\n", e);
}

static int
run_on_table(struct pg_swap *s, const char *before, const char *table,
    const char *after, struct err *e)
{
	const char *sql;

	buf_clear(&s->sql);
	buf_printf(&s->sql, "%s %s %s", before, table, after);
	sql = buf_finish(&s->sql, e);
	return sql == NULL ? -1 : db_script(s->db, sql, e);
}

/* Fails if the role does not own the table. */
static int
check_owner(struct pg_swap *s, struct err *e)
{
	struct db_value v = db_text(s->old->table->quoted);
	int64_t owns;

	if (db_query_int(s->db, db_sql(s->db, SQL_TABLE_IS_OWNED), &v, 1, 0,
	    &owns, e) == -1)
		return -1;
	if (owns)
		return 0;
	return err_set(e, ERR_DENIED, false, "table %s: --mode replace puts a "
	    "new table in its place, which only the owner of the table may do: "
	    "load as the owner, or use --replace-by delete",
	    s->old->table->name);
}

/* Fails if the role does not own the table, or the new table could not have all
 * its properties. */
static int
check_keepable(struct pg_swap *s, struct err *e)
{
	struct db_value v = db_text(s->old->table->quoted);

	if (check_owner(s, e) == -1 || pg_swap_query_lines(s->db, &s->sql,
	    SQL_SWAP_REFUSALS, &v, 1, "; ", e) == -1)
		return -1;
	if (s->sql.len == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: --mode replace puts a "
	    "new table in its place, and cannot keep: %s; nothing was changed: "
	    "use --replace-by delete or --replace-by truncate",
	    s->old->table->name, s->sql.data);
}

/* Makes the new table. Also makes its indexes now if an earlier try has shown
 * that they refuse rows. Fails if a property of the table cannot be kept. */
static int
make_checked(struct pg_swap *s, struct err *e)
{
	struct err why;

	if (check_keepable(s, e) == -1)
		return -1;
	if (query_description(s, s->old->table->quoted, &s->before, e) == 0 &&
	    run_statements(s, NEW_TABLE, e) == 0 &&
	    (!s->indexed_first || run_statements(s, INDEXES, e) == 0))
		return query_statements(s, &s->messages, MESSAGES, e);
	why = *e;
	return err_set(e, why.code, why.transient, "table %s: --mode replace "
	    "cannot make a new table like it: %s%s", s->old->table->name,
	    why.msg, why.code == ERR_CONFIG ? "; nothing was changed: use "
	    "--replace-by delete or --replace-by truncate" : "");
}

/* line is a line of one description that the other one lacks: the new table
 * lacks a property that this program cannot copy. */
static int
set_difference(struct pg_swap *s, const char *line, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "table %s: the new table of "
	    "--mode replace would differ from it (%.*s): nothing was changed; "
	    "use --replace-by delete or --replace-by truncate",
	    s->old->table->name, (int)strcspn(line, "\n"), line);
}

/* Compares the descriptions of the old table and of the table that took its
 * place. */
static int
compare_tables(struct pg_swap *s, struct buf *now, struct err *e)
{
	const char *was = s->before.data, *is = now->data, *line = was;

	for (; *was == *is && *was != '\0'; was++, is++)
		if (*was == '\n')
			line = was + 1;
	if (*was == *is)
		return 0;
	return set_difference(s, *line == '\0' ? is : line, e);
}

/* Returns the first line at or after text that a new table has before it gets
 * its indexes (see swap_description), or NULL. */
static const char *
find_early_line(const char *text)
{
	while (*text != '\0') {
		if (strncmp(text, "table: ", 7) == 0 ||
		    strncmp(text, "column ", 7) == 0)
			return text;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

/* Compares the columns and the storage of the old table with those of the new
 * one, which is empty and has no index yet. */
static int
compare_columns(struct pg_swap *s, struct err *e)
{
	const char *was, *is;
	struct buf now;
	int rc;

	buf_init(&now, SIZE_MAX / 4);
	rc = query_description(s, s->quoted.data, &now, e);
	was = rc == 0 ? find_early_line(s->before.data) : NULL;
	is = rc == 0 ? find_early_line(now.data) : NULL;
	while (rc == 0 && was != NULL) {
		size_t n = strcspn(was, "\n");

		if (is == NULL || strcspn(is, "\n") != n ||
		    memcmp(was, is, n) != 0)
			rc = set_difference(s, was, e);
		else {
			was = find_early_line(was + n + (was[n] == '\n'));
			is = find_early_line(is + n + (is[n] == '\n'));
		}
	}
	buf_release(&now);
	return rc;
}

/* Makes the new table and drops it again. If it cannot be made, or differs from
 * the old one, the load fails before it reads any record. */
int
pg_swap_check(struct pg_swap *s, struct err *e)
{
	int rc;

	if (db_begin(s->db, e) == -1)
		return -1;
	rc = restrict_path(s, e);
	if (rc == 0)
		rc = make_checked(s, e);
	if (rc == 0)
		rc = compare_columns(s, e);
	db_rollback(s->db);
	return rc;
}

static int
count_rows(struct pg_swap *s, uint64_t *removed, struct err *e)
{
	const char *sql;
	int64_t n;

	buf_clear(&s->sql);
	buf_printf(&s->sql, "SELECT pg_catalog.count(*) FROM %s",
	    s->old->table->quoted);
	if ((sql = buf_finish(&s->sql, e)) == NULL ||
	    db_query_int(s->db, sql, NULL, 0, 0, &n, e) == -1)
		return -1;
	*removed += (uint64_t)n;
	return 0;
}

/* The lock makes other sessions wait until the commit if they want to write to
 * the table. They then write to the new table, so no row of theirs is lost. */
int
pg_swap_make_table(struct pg_swap *s, uint64_t *removed, struct err *e)
{
	return run_on_table(s, "LOCK TABLE", s->old->table->quoted,
	    "IN SHARE ROW EXCLUSIVE MODE", e) == -1 ||
	    count_rows(s, removed, e) == -1 ||
	    restrict_path(s, e) == -1 ||
	    make_checked(s, e) == -1 ||
	    restore_path(s, e) == -1 ? -1 : 0;
}

/* Without ANALYZE, the planner would have no statistics of the new table until
 * autovacuum makes them. */
int
pg_swap_make_indexes(struct pg_swap *s, struct err *e)
{
	return restrict_path(s, e) == -1 ||
	    (!s->indexed_first && run_statements(s, INDEXES, e) == -1) ||
	    run_on_table(s, "ANALYZE", s->quoted.data, "", e) == -1 ||
	    restore_path(s, e) == -1 ? -1 : 0;
}

/* Fails if *now, the description of the table, differs from its description at
 * the beginning of the load. */
static int
check_unchanged(struct pg_swap *s, struct buf *now, struct err *e)
{
	if (now->len == s->before.len &&
	    memcmp(now->data, s->before.data, now->len) == 0)
		return 0;
	return err_set(e, ERR_RETRY, false, "table %s: its definition was "
	    "changed while the load ran: nothing of this load was committed; "
	    "run the command again", s->old->table->name);
}

/* Swaps the tables. The table must be locked. */
static int
swap_locked(struct pg_swap *s, struct err *e)
{
	struct buf now;
	int rc;

	buf_init(&now, SIZE_MAX / 4);
	rc = restrict_path(s, e);
	if (rc == 0)
		rc = check_keepable(s, e);
	if (rc == 0)
		rc = query_description(s, s->old->table->quoted, &now, e);
	if (rc == 0)
		rc = check_unchanged(s, &now, e);
	if (rc == 0)
		rc = run_statements(s, SWAP, e);
	if (rc == 0)
		rc = query_description(s, s->old->table->quoted, &now, e);
	if (rc == 0)
		rc = compare_tables(s, &now, e);
	if (rc == 0)
		rc = restore_path(s, e);
	buf_release(&now);
	return rc;
}

/* Locks the old table, so that nobody can read it, and swaps the tables. */
static int
swap_with_lock(struct pg_swap *s, struct err *e)
{
	return db_script(s->db, db_sql(s->db, SQL_SWAP_LIMIT_WAIT), e) == -1 ||
	    run_on_table(s, "LOCK TABLE", s->old->table->quoted,
	    "IN ACCESS EXCLUSIVE MODE", e) == -1 ||
	    swap_locked(s, e) == -1 ? -1 :
	    db_script(s->db, db_sql(s->db, SQL_SWAP_END_WAIT), e);
}

/* Returns true if the swap has failed because the wait for a lock took too
 * long. For any other error of the server, adds the name of the table to *e. */
static bool
lock_timed_out(struct pg_swap *s, struct err *e)
{
	const char *state = db_fault(s->db)->sqlstate;

	if (strcmp(state, "55P03") == 0)
		return true;
	if (*state != '\0')
		err_prefix(e, "table %s: its new table cannot take its place",
		    s->old->table->name);
	return false;
}

int
pg_swap_tables(struct pg_swap *s, struct err *e)
{
	static const struct retry pause = { .max = UINT64_MAX, .base = 100,
		.cap = 1000 };
	int64_t patience, start = clock_ms();
	struct err why;

	if (db_query_int(s->db, db_sql(s->db, SQL_SWAP_PATIENCE), NULL, 0,
	    60000, &patience, e) == -1)
		return -1;
	for (uint64_t n = 1; swap_with_lock(s, e) == -1; n++) {
		if (!lock_timed_out(s, e))
			return -1;
		why = *e;
		if (db_script(s->db, "ROLLBACK TO SAVEPOINT etl_swap", e) == -1)
			return -1;
		if (clock_ms() - start >= patience)
			return err_set(e, ERR_RETRY, false, "table %s: other "
			    "sessions kept the table, or one that it refers "
			    "to, locked for %lld ms, so the new table could "
			    "not take its place: nothing was committed; "
			    "pg_locks shows these sessions; run the command "
			    "again", s->old->table->name, (long long)patience);
		if (retry_wait(&pause, n, &why, e) == -1)
			return -1;
	}
	return 0;
}
