/* The PostgreSQL statements that load a chunk: directly into the table, or
 * through the staging table, which is a temporary table of the session. Each
 * function appends one statement to the buffer. */
#ifndef LOAD_PG_SQL_H
#define LOAD_PG_SQL_H

#include "row.h"

/* The staging table (pg_sql.h). */
#define PG_STAGE "pg_temp.etl_load_stage"
/* The results of the merge row by row: a row for each refused record, and a row
 * with item -1 for the counts. */
#define PG_FOUND "pg_temp.etl_load_found"
/* The keys of the rows that a merge in rounds has inserted or updated. */
#define PG_MERGED "pg_temp.etl_load_merged"
/* The keys of the records that the transaction has written, for --expect. */
#define PG_WRITTEN "pg_temp.etl_load_written"
/* The plan of the next round of --mode scd2 (pg_sql.h). */
#define PG_PLAN "pg_temp.etl_load_plan"

/* Appends the statements that make the table PG_FOUND if it is missing, and
 * empty it. */
void pg_put_found_table(struct buf *b, const struct target *t);
/* Appends the statements that make the table PG_MERGED if it is missing, and
 * empty it. */
void pg_put_merged_table(struct buf *b, const struct target *t);
/* The staged rows that a merge statement selects, and their order. */
enum pg_rows_taken {
	PG_ROWS_IN_ORDER,       /* those of the shape, in the order in which
				 * they came */
	PG_ROWS_UNSORTED,       /* those of the shape, if their order does not
				 * matter */
	PG_ROWS_BY_KEY,         /* those of the shape, in the key's order */
	PG_ROWS_LAST_OF_KEY,    /* the last row of each key, or a row of the key
	                         * with a NULL that the column refuses */
	PG_ROWS_CHANGED,        /* like PG_ROWS_UNSORTED, without rows that the
	                         * upsert would find unchanged */
	PG_ROWS_NONE            /* no rows: no record is then the cause of an
	                         * error */
};
/* Merges the staged rows of a shape into the target. If `alone` is true, all
 * staged rows have this shape. The statement returns two numbers: how many rows
 * it has inserted or updated, and how many of these it has inserted.
 * INSERT ... ON CONFLICT checks NOT NULL and CHECK before it looks for a row
 * with the key. If `first_updates` is true, the statement updates the rows that
 * exist and inserts only the others. Then no two rows may have one key, unless
 * the mode is ignore. */
void pg_put_merge(struct buf *b, const struct target *t, const struct shape *s,
    bool alone, enum pg_rows_taken rows, bool first_updates);
/* For a merge in rounds: merges the staged rows of this shape that are number
 * `round` of their key, counted from 1. Adds the keys of the rows inserted or
 * updated to PG_MERGED. */
void pg_put_merge_round(struct buf *b, const struct target *t,
    const struct shape *s, int64_t round, bool first_updates);
/* A query that returns the same two numbers as pg_put_merge(), but for all
 * rounds together: each key in PG_MERGED counts once. */
void pg_put_count_merged(struct buf *b, const struct target *t);
/* Counts the different keys in the staging table. */
void pg_put_count_keys(struct buf *b, const struct target *t);
/* Counts the staged rows of each key, and returns the highest of these
 * counts. */
void pg_put_count_most(struct buf *b, const struct target *t);
/* Sets the column of --seen in the rows of the target whose keys are staged. */
void pg_put_seen(struct buf *b, const struct target *t);
struct pg_row_rules {
	bool refers_to_itself;  /* the table has a foreign key to itself: a row
	                         * may refer to one that comes later */
	bool judge_all;         /* refuse a row also for an error that usually
	                         * passes, such as a deadlock */
	bool group_at_once;     /* all rows have one shape and different keys,
	                         * and one statement may merge many rows */
	bool in_order, secured, first_updates;  /* as in struct pg_sink */
};

/* True if a merge of rows of this shape must first update the rows that exist,
 * because the table would refuse the records as new rows. */
bool pg_updates_first(const struct target *t, const struct shape *s,
    const struct pg_row_rules *rules);

/* INSERT INTO t (columns) */
void pg_put_insert(struct buf *b, const struct target *t,
    const struct shape *s);
/* from."a", from."b", now() */
void pg_put_source(struct buf *b, const struct target *t, const struct shape *s,
    const char *from);
/* "deleted" = now(): marks a row as deleted (--soft-delete), and sets the
 * column of --touch. Comes after UPDATE ... SET. */
void pg_put_mark_deleted(struct buf *b, const struct target *t);
/* Begin and end the CTE m, which merges rows. Its first column is true if the
 * row was inserted; if with_keys is true, the key follows. Between the two
 * calls comes FROM ... AS w. */
void pg_put_merge_begin(struct buf *b, const struct target *t,
    const struct shape *s, bool first_updates);
void pg_put_merge_end(struct buf *b, const struct target *t,
    const struct shape *s, bool first_updates, bool with_keys);
/* ON CONFLICT ... RETURNING an expression that is true if the row is new */
void pg_put_on_conflict(struct buf *b, const struct target *t,
    const struct shape *s);
/* "a" = from."a", "b" = from."b", and the columns of --touch, --seen and
 * --soft-delete. Comes after UPDATE ... SET. */
void pg_put_assignments(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, bool key_too);
/* A condition that is true if the record would change the existing row "etl.t":
 * with key_too, also if it would only spell its key in another way. */
void pg_put_row_differs(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, bool key_too);
/* one."k" = other.name_in_other */
void pg_put_equal(struct buf *b, const struct column *c, const char *one,
    const char *other, const char *name_in_other);
/* one."k" = other."k" AND ... */
void pg_put_same_key(struct buf *b, const struct target *t, const char *one,
    const char *other);

/* The staging table PG_STAGE, a temporary table of the session. Its columns:
 * "etl.n", the number of the record in the chunk; "etl.s", the number of its
 * shape; the columns of the target table. In --mode cdc there are also "etl.o",
 * the operation as a letter, and "etl.k0", "etl.k1" ..., the old key of an
 * update that changes the key, else NULL. */

/* The letters in "etl.o", by enum operation. */
extern const char pg_operation_letters[3];

/* If `lasts` is true, the table and its rows stay after the commit. */
void pg_put_stage_table(struct buf *b, const struct target *t, bool lasts);
/* COPY of the shape's columns into the staging table or, if `staged` is false,
 * directly into the target. */
void pg_put_copy(struct buf *b, const struct target *t, const struct shape *s,
    bool staged);
/* The name of a column of the old key, such as "etl.k0": i is the number of the
 * column in the key. */
void pg_put_old_column(struct buf *b, size_t i);

/* The PostgreSQL statements that apply the staged changes of --mode cdc
 * (pg_sql.h). Each function appends to the buffer. */

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

/* The PostgreSQL statements of --mode scd2. Rows are merged in rounds, each of
 * which merges one staged row of each key, or row by row in the block of
 * pg_judge.c. */

/* The table PG_PLAN has a row for each record of the round: n is the number of
 * the record in the chunk, and `at` the time of change. The row of history that
 * is valid at this time begins at `since` and ends at `until`. `step` says what
 * to do: late not known yet: the key has no current row, or the current row
 * begins after `at`. pg_put_plan_late() changes this word. It does not if the
 * key has no row at all: then the record becomes the current row. insert no row
 * is valid at `at`: insert a row that ends at `until`, where the next row
 * begins valid a row that is not current is valid at `at`. pg_put_plan_valid()
 * changes this word to one of the next three. same do nothing: the row has the
 * values of the record correct the row begins at `at`: copy the values into it
 * end end the row at `at`, and insert a row that begins there. Appends the
 * statements that make the table PG_PLAN if it is missing, and empty it. */
void pg_put_plan_table(struct buf *b, const struct target *t);
/* Appends an INSERT that plans a step for records of the shape: in round 1 for
 * the first record of each key, in round 2 for the second, and so on. It
 * compares each record with the current row of its key. In round 0 it plans
 * nothing: an error then is not caused by a record. */
void pg_put_plan_round(struct buf *b, const struct target *t,
    const struct shape *s, int64_t round);
void pg_put_count_late(struct buf *b, const struct target *t);
/* Appends a query that counts the planned records that concern a row of history
 * which is not current. */
void pg_put_count_past(struct buf *b, const struct target *t);
/* For records with the word "late": pg_put_plan_late() finds the row that is
 * valid at the time, or the next row. pg_put_plan_valid() then compares the
 * record with the valid row and chooses the step. */
void pg_put_plan_late(struct buf *b, const struct target *t);
void pg_put_plan_valid(
    struct buf *b, const struct target *t, const struct shape *s);
/* Carry out the plan for the records of the shape. If `late` is false, the
 * statements write current rows, else other rows. The number of rows that
 * PostgreSQL reports for a statement is the number of records for which it has
 * carried out the plan. */
void pg_put_insert_planned(
    struct buf *b, const struct target *t, const struct shape *s, bool late);
void pg_put_end_planned(struct buf *b, const struct target *t,
    const struct shape *s, bool late);
void pg_put_correct(
    struct buf *b, const struct target *t, const struct shape *s, bool late);
void pg_put_seen_planned(struct buf *b, const struct target *t, bool late);
/* Appends a query that counts the planned records that change a row or insert
 * one. */
void pg_put_count_planned(struct buf *b, const struct target *t);

/* Appends an UPDATE that ends rows "etl.t" of the history. The caller appends
 * WHERE and a condition. */
void pg_put_end_rows(struct buf *b, const struct target *t);

/* Appends the statements that merge the row "etl.r", which has this shape, in
 * the block of pg_judge.c. */
void pg_put_history_row(struct buf *b, const struct target *t,
    const struct shape *s);

/* Pieces of statements. */
/* INSERT INTO t (columns). If `carries` is set, the columns include those that
 * the new row copies from the row before, because the record lacks them. */
void pg_put_insert_history(struct buf *b, const struct target *t,
    const struct shape *s, bool carries);
/* The time of change of the staged row `staged`. `current` is the current row
 * of its key. */
void pg_put_change_time(struct buf *b, const struct target *t,
    const char *staged, const char *current);
/* A condition that is true if a compared column differs between the row `one`
 * and the row `other`. It is `false` if the shape has no such column. */
void pg_put_differs(struct buf *b, const struct target *t,
    const struct shape *s, const char *one, const char *other);
/* The columns that a new row copies from the row before, each after a comma:
 * , from."a", from."b" or, if `from` is NULL, , "a", "b" */
void pg_put_carried(struct buf *b, const struct target *t,
    const struct shape *s, const char *from);

#endif
