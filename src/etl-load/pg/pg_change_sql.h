/* The PostgreSQL statements that apply the staged changes of --mode cdc
 * (pg_stage_sql.h). Each function appends to the buffer. */
#ifndef LOAD_PG_CHANGE_SQL_H
#define LOAD_PG_CHANGE_SQL_H

#include "pg/pg_sql.h"

/* This table says in which round a staged change is applied: in round 2 if it
 * is the second change of its key, in round 3 if it is the third, and so on.
 * The table does not contain the first change of each key. */
#define PG_ROUND "pg_temp.etl_load_round"
/* The SQLSTATE of an update or delete that finds no row, with --strict. The
 * block that applies the changes row by row raises it. */
#define PG_NO_ROW "ETL01"

/* Appends the statements that make the table PG_ROUND if it is missing, and
 * empty it. */
void pg_put_round_table(struct buf *b, const struct target *t);
/* Appends the statement that fills the table PG_ROUND. */
void pg_put_fill_rounds(struct buf *b, const struct target *t);
/* Which changes a statement applies. */
struct pg_round {
	int64_t number;         /* the round; 0: apply no changes */
	bool alone;             /* there is only round 1 */
};
/* Appends the statement that applies the inserts and updates of this shape. It
 * inserts a row for each of them, or updates the row that exists. It returns
 * one row: (rows inserted or updated, rows inserted). */
void pg_put_upsert_round(struct buf *b, const struct target *t,
    const struct shape *s, const struct pg_round *r, bool first_updates);
/* Appends the statement that applies the deletes. It deletes their rows or,
 * with --soft-delete, marks them as deleted. */
void pg_put_delete_round(struct buf *b, const struct target *t,
    const struct pg_round *r);

/* For pg_put_merge_singly(): appends statements that apply the change in
 * "etl.r" if it deletes or updates a row, and that set "etl.found". */
void pg_put_row_change(struct buf *b, const struct target *t,
    const struct shape *s, bool secured);
/* Appends the UPDATE of the row that has the key of the record "etl.r", and
 * sets "etl.found" to true if there is such a row. A row policy (secured) may
 * keep an UPDATE from a row that the query sees: then "etl.found" is true only
 * if the row need not change. */
void pg_put_update_found(struct buf *b, const struct target *t,
    const struct shape *s, bool secured);
extern const char pg_counts_of_changes[];

#endif
