#include "pg/pg_sink.h"

#include "pg/pg_fault.h"

const char *
pg_get_sql_text(struct pg_sink *s, struct err *e)
{
	const char *t = buf_text(&s->sql);

	return buf_check(&s->sql, e) == -1 ? NULL : t;
}

int
pg_run_sql_text(struct pg_sink *s, struct err *e)
{
	const char *t = pg_get_sql_text(s, e);

	return t == NULL ? -1 : db_script(s->db, t, e);
}

int
pg_check_deferred_constraints(struct pg_sink *s, struct err *e)
{
	return s->deferred ?
	    db_script(s->db, "SET CONSTRAINTS ALL IMMEDIATE", e) : 0;
}

int
pg_roll_back_if_refused(struct pg_sink *s, const struct outcome *o, int rc,
    const char *savepoint, struct err *e)
{
	if (rc == 0)
		return 1;
	if (!pg_record_may_be_cause(db_fault(s->db), o->judge_all))
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "ROLLBACK TO SAVEPOINT %s", savepoint);
	return pg_run_sql_text(s, e);
}
