/* The PostgreSQL statements that apply the staged changes of --mode cdc
 * (pg_stage_sql.h). Each function appends to the buffer. */
#ifndef LOAD_PG_CHANGE_SQL_H
#define LOAD_PG_CHANGE_SQL_H

#include "pg/pg_sql.h"

/* The place of a change among those of its key, from 1; only changes that are
 * not the first of their key. */
#define PG_ROUND "pg_temp.etl_load_round"
/* The SQLSTATE with which the block that applies changes row by row refuses a
 * change whose row is missing (--strict). */
#define PG_NO_ROW "ETL01"

void pg_put_create_round_table(struct buf *b, const struct target *t);
void pg_put_fill_round_table(struct buf *b, const struct target *t);
/* Which changes a statement applies. */
struct pg_round {
	int64_t number;         /* the changes of this round; 0: none */
	bool alone;             /* all staged changes are of round 1 */
};
/* Inserts or updates the rows of the inserts and updates that have this shape.
 * The statement returns a row as that of pg_put_merge_statement(). */
void pg_put_upsert_round(struct buf *b, const struct target *t,
    const struct shape *s, const struct pg_round *r);
/* Deletes the rows of the deletes, or marks them as deleted. */
void pg_put_delete_round(
    struct buf *b, const struct target *t, const struct pg_round *r);

/* For pg_put_merge_row_by_row(): the statements that apply the change in
 * "etl.r", before and after the INSERT of a row that is not there. */
void pg_put_change_of_row(
    struct buf *b, const struct target *t, const struct shape *s);
void pg_put_end_of_change(struct buf *b);
extern const char pg_counts_of_changes[];

#endif
