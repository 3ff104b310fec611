#include "pg/pg_sink.h"

#include "pg/pg_sql.h"

#include <stdio.h>

enum { MANY = 1000 };   /* joins of fewer rows are fast with any plan */

int
pg_analyze_stage(struct pg_sink *s, struct err *e)
{
	const struct target *t = s->target;
	char sql[96];

	if (s->rows.n < MANY || (!t->mode->history && !t->mode->changes &&
	    t->seen == NO_COLUMN && t->newer_by == NO_COLUMN &&
	    !pg_chunk_updates_first(s)))
		return 0;
	(void)snprintf(sql, sizeof(sql), "ANALYZE " PG_STAGE
	    "%s (\"etl.n\", \"etl.s\")", t->suffix);
	return db_script(s->db, sql, e);
}
