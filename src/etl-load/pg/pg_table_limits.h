/* Tables of PostgreSQL that the sink cannot load, or only in one way. */
#ifndef LOAD_PG_TABLE_LIMITS_H
#define LOAD_PG_TABLE_LIMITS_H

#include "pg/pg_sink.h"

/* Fails if the table has a rule (CREATE RULE) for a statement that the load
 * needs. COPY ignores rules, so a rule would be obeyed for some rows only. */
int pg_refuse_rules(const struct pg_sink *s, struct err *e);
/* Fails if the staging table would have too many columns and COPY cannot write
 * directly into the target table. Sets s->too_wide. */
int pg_find_if_too_wide(struct pg_sink *s, struct err *e);
/* Called for a chunk of a table that is too wide for the staging table, if the
 * COPY of the whole chunk was rolled back. Copies the rows directly into the
 * target table, in pieces, and rejects those that the table refuses. */
int pg_copy_wide_rows_or_reject(
    struct pg_sink *s, struct outcome *o, struct err *e);

#endif
