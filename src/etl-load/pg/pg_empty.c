#include "pg/pg_sink.h"

static void
put_delete_all(struct buf *b, const struct target *t)
{
	buf_printf(b, "DELETE FROM %s", t->table->quoted);
}

static void
put_count_all(struct buf *b, const struct target *t)
{
	buf_printf(b, "SELECT pg_catalog.count(*) FROM %s", t->table->quoted);
}

/* TRUNCATE does not say how many rows it deletes, so the rows are counted
 * before. The lock, which TRUNCATE needs too, keeps other sessions from adding
 * rows in between. They cannot read the table until the commit. */
static int
truncate_table(struct pg_sink *s, int64_t *deleted, struct err *e)
{
	const char *table = s->target->table->quoted;

	buf_clear(&s->sql);
	buf_printf(&s->sql, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", table);
	if (pg_run_script(s, e) == -1 ||
	    pg_run_count(s, put_count_all, deleted, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "TRUNCATE %s", table);
	return pg_run_script(s, e);
}

int
pg_empty_table(struct pg_sink *s, uint64_t *removed, struct err *e)
{
	int64_t deleted = 0;

	if (s->target->truncates) {
		if (truncate_table(s, &deleted, e) == -1)
			return -1;
	} else {
		buf_clear(&s->sql);
		put_delete_all(&s->sql, s->target);
		if (pg_run_statement(s, &deleted, e) == -1)
			return -1;
	}
	*removed += (uint64_t)deleted;
	return 0;
}

static int
check_truncate_right(struct pg_sink *s, struct err *e)
{
	struct db_value v = db_text(s->target->table->quoted);
	int64_t may;

	if (db_query_int(s->db, db_sql(s->db, SQL_TABLE_HAS_TRUNCATE_RIGHT), &v,
	    1, 0, &may, e) == -1)
		return -1;
	if (may)
		return 0;
	return err_set(e, ERR_DENIED, false, "table %s: permission denied for "
	    "TRUNCATE: the owner of the table can GRANT TRUNCATE, or use "
	    "--replace-by delete", s->target->table->name);
}

/* Fails if row-level security hides rows from this role: TRUNCATE would delete
 * these rows too, without counting them. */
static int
check_hidden_rows(struct pg_sink *s, struct err *e)
{
	struct db_value v = db_text(s->target->table->quoted);
	int64_t hides;

	if (db_query_int(s->db, db_sql(s->db, SQL_TABLE_HIDES_ROWS), &v, 1, 0,
	    &hides, e) == -1)
		return -1;
	if (!hides)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: --replace-by truncate "
	    "would also delete rows that row policies hide from this role: "
	    "load as the owner of the table, or use --replace-by delete, which "
	    "leaves these rows", s->target->table->name);
}

int
pg_check_empty(struct pg_sink *s, struct err *e)
{
	if (s->target->truncates)
		return check_truncate_right(s, e) == -1 ? -1 :
		    check_hidden_rows(s, e);
	buf_clear(&s->sql);
	buf_str(&s->sql, "EXPLAIN ");
	put_delete_all(&s->sql, s->target);
	if (pg_run_script(s, e) == 0)
		return 0;
	err_prefix(e, "table %s", s->target->table->name);
	return -1;
}
