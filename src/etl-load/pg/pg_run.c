#include "pg/pg_sink.h"

#include "pg/pg_fault.h"
#include "pg/pg_sql.h"

#include <string.h>

int
pg_run_script(struct pg_sink *s, struct err *e)
{
	const char *t = buf_finish(&s->sql, e);

	return t == NULL ? -1 : db_script(s->db, t, e);
}

int
pg_run_statement(struct pg_sink *s, int64_t *n, struct err *e)
{
	const char *t = buf_finish(&s->sql, e);

	return t == NULL ? -1 : db_run(s->db, t, NULL, 0, n, e);
}

int
pg_check_deferred(struct pg_sink *s, struct err *e)
{
	return s->deferred ?
	    db_script(s->db, "SET CONSTRAINTS ALL IMMEDIATE", e) : 0;
}

bool
pg_binary_failed(const struct pg_sink *s)
{
	const struct db_fault *f = db_fault(s->db);

	return s->rows.n > 0 && s->rows.v[0].binary && !f->lost &&
	    (strcmp(f->sqlstate, "08P01") == 0 ||
	    strcmp(f->sqlstate, "XX000") == 0);
}

int
pg_roll_back(struct pg_sink *s, const struct outcome *o, int rc,
    const char *savepoint, struct err *e)
{
	if (rc == 0)
		return 1;
	if (pg_binary_failed(s) ||
	    !pg_may_blame_record(db_fault(s->db), o->judge_all))
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "ROLLBACK TO SAVEPOINT %s", savepoint);
	return pg_run_script(s, e);
}

int
pg_run_merge(struct pg_sink *s, struct sums *sums, struct err *e)
{
	struct db_rows *r = NULL;
	const char *t;
	int rc = -1;

	if ((t = buf_finish(&s->sql, e)) == NULL ||
	    db_query(s->db, &r, t, NULL, 0, e) == -1)
		return -1;
	if (db_next(r, e) == 1) {
		int64_t all = db_column(r, 0).i, new = db_column(r, 1).i;

		sums->inserted += (uint64_t)new;
		sums->updated += (uint64_t)(all - new);
		rc = 0;
	}
	db_end(r);
	return rc;
}

int
pg_run_count(struct pg_sink *s,
    void (*put)(struct buf *, const struct target *), int64_t *n, struct err *e)
{
	const char *t;

	buf_clear(&s->sql);
	put(&s->sql, s->target);
	return (t = buf_finish(&s->sql, e)) == NULL ? -1 :
	    db_query_int(s->db, t, NULL, 0, 0, n, e);
}

int
pg_count_keys(struct pg_sink *s, uint64_t staged, int64_t *keys, struct err *e)
{
	*keys = (int64_t)staged;
	return s->rows.order.distinct ? 0 :
	    pg_run_count(s, pg_put_count_keys, keys, e);
}
