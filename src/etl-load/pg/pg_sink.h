/* The inside of the PostgreSQL sink, shared by sink_pg.c and pg_merge.c.
 * Gives: pg_judge() 1 where rc is 0, 0 where a record was refused (and the
 *        savepoint is as it was), -1; s->sql is for one statement at a time. */
#ifndef LOAD_PG_SINK_H
#define LOAD_PG_SINK_H

#include "pg/pg_rows.h"

struct pg_sink {
	struct db *db;
	const struct target *target;
	struct pg_rows rows;
	struct buf sql;
	bool staging;           /* the staging table was made for good */
	bool straight;          /* append: COPY goes into the table itself */
	bool twice;             /* keys come twice in a chunk */
	size_t quiet;           /* chunks in which they did not */
	bool deferred;          /* constraints may wait for the commit */
	bool elsewhere;         /* those of other tables, that a trigger or a
	                         * partition brings in */
};

const char *pg_text(struct pg_sink *s, struct err *e);  /* s->sql, or NULL */
int pg_script(struct pg_sink *s, struct err *e);        /* runs s->sql */
int pg_judge(struct pg_sink *s, int rc, const char *savepoint,
    struct err *e);
int pg_immediate(struct pg_sink *s, struct err *e);     /* constraints */
/* What is staged into the target, and what it refuses into o. */
int pg_merge_chunk(struct pg_sink *s, struct outcome *o, struct err *e);

#endif
