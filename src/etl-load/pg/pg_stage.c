#include "pg/pg_sink.h"

#include "pg/pg_stage_sql.h"

int
pg_create_stage(struct pg_sink *s, bool lasts, struct err *e)
{
	buf_clear(&s->sql);
	pg_put_stage_table(&s->sql, s->target, lasts);
	return pg_run_script(s, e);
}

/* TRUNCATE takes some milliseconds, which is longer than merging 100 rows
 * takes. DELETE takes less time, but leaves dead rows, which later scans have
 * to read. So TRUNCATE is used only if the dead rows use more than DEAD_MAX
 * bytes. The space of a row is its bytes plus ROW_COSTS. */
enum { DEAD_MAX = 4 << 20, ROW_COSTS = 512 };

void
pg_note_dead_rows(struct pg_sink *s)
{
	if (!s->staged)
		return;
	s->staged = false;
	if (s->dead > DEAD_MAX)
		s->dead = 0;    /* the chunk began with TRUNCATE */
	s->dead += s->rows.text.len + s->rows.n * ROW_COSTS;
}

void
pg_put_empty_stage(struct buf *b, struct pg_sink *s)
{
	s->staged = true;
	buf_printf(b, "%s " PG_STAGE "%s",
	    s->dead <= DEAD_MAX ? "DELETE FROM" : "TRUNCATE",
	    s->target->suffix);
}

int
pg_stage_begin(struct pg_sink *s, struct err *e)
{
	if (!s->staging)
		return pg_create_stage(s, false, e) == -1 ? -1 :
		    db_script(s->db, "SAVEPOINT etl_stage", e);
	buf_clear(&s->sql);
	pg_put_empty_stage(&s->sql, s);
	buf_str(&s->sql, "; SAVEPOINT etl_stage");
	return pg_run_script(s, e);
}

int
pg_copy_to_stage(struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc = pg_roll_back(s, o, pg_copy_other_shapes(&s->rows, true, e),
	    "etl_stage", e);

	for (size_t i = 0; i < s->rows.nshapes && rc == 0; i++)
		if (s->rows.used[i])
			rc = pg_copy_in_pieces(&s->rows, s->rows.shapes[i],
			    true, o, e);
	return rc == -1 ? -1 : 0;
}

int
pg_merge_by_stage(struct pg_sink *s, struct outcome *o, struct err *e)
{
	return pg_copy_to_stage(s, o, e) == -1 ? -1 :
	    pg_merge_chunk(s, o, e);
}
