/* Kinds of tables that PostgreSQL has, but that the sink cannot load, or can
 * load in one way only. */
#ifndef LOAD_PG_TABLE_LIMITS_H
#define LOAD_PG_TABLE_LIMITS_H

#include "pg/pg_sink.h"

/* Fails if the table has a rule (CREATE RULE) for a statement that the load
 * needs. COPY ignores rules, so PostgreSQL would apply the rule to some rows
 * only. */
int pg_check_rules(const struct pg_sink *s, struct err *e);
/* Sets s->too_wide to true if the staging table would have too many columns.
 * Fails if, in addition, COPY cannot write directly into the target table. */
int pg_set_too_wide(struct pg_sink *s, struct err *e);
/* Called for a table that is too wide for a staging table, after the COPY of
 * the whole chunk was rolled back. Copies the rows directly into the target
 * table, in pieces, and rejects those that the table refuses. */
int pg_copy_wide_rows(struct pg_sink *s, struct outcome *o, struct err *e);

#endif
