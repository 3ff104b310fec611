/* The PostgreSQL statements of --mode scd2. Rows are merged in rounds, each of
 * which merges one staged row of each key, or row by row in the block of
 * pg_row_by_row.c. */
#ifndef LOAD_PG_HISTORY_SQL_H
#define LOAD_PG_HISTORY_SQL_H

#include "pg/pg_sql.h"

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
 * the block of pg_row_by_row.c. */
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
