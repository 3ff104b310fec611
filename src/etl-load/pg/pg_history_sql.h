/* The PostgreSQL statements of --mode scd2: in rounds, each of which merges one
 * staged row of each key, or row by row in the block of pg_row_by_row.c. */
#ifndef LOAD_PG_HISTORY_SQL_H
#define LOAD_PG_HISTORY_SQL_H

#include "pg/pg_sql.h"

/* The table PG_PLAN has a row for each record of the round: n is the number of
 * its item, and `at` the time of change. The row of history that is valid at
 * this time begins at `since` and ends at `until`. `step` says what to do:
 *	late	the key has no current row, or the current row begins after
 *		`at`. pg_put_plan_late() changes this word, unless the key has
 *		no row at all: the record then becomes its current row.
 *	insert	no row is valid at `at`: insert one, up to the next at `until`
 *	valid	a row that is not current is valid at `at`.
 *		pg_put_plan_valid() changes this word to one of the next three.
 *	same	nothing: the row has the values of the record
 *	correct	give the row the values of the record: it begins at `at`
 *	end	end the row at `at`, and insert a new one that begins there */
void pg_put_create_plan_table(struct buf *b, const struct target *t);
/* Appends an INSERT that plans a step for records of the shape: in round 1 for
 * the first record of each key, in round 2 for the second, and so on. It
 * compares each record with the current row of its key. In round 0 there is no
 * record: the statement is only tried. */
void pg_put_plan_round(struct buf *b, const struct target *t,
    const struct shape *s, int64_t round);
void pg_put_count_late(struct buf *b, const struct target *t);
/* Counts the planned records that concern no current row. */
void pg_put_count_past(struct buf *b, const struct target *t);
/* For late records: looks for the row before and the row after. */
void pg_put_plan_late(struct buf *b, const struct target *t);
void pg_put_plan_valid(
    struct buf *b, const struct target *t, const struct shape *s);
/* The next three write the rows of the shape: of current rows, or of the others
 * if `late` is set. The number of changed rows is that of the records. */
void pg_put_insert_planned(
    struct buf *b, const struct target *t, const struct shape *s, bool late);
void pg_put_end_and_insert(
    struct buf *b, const struct target *t, const struct shape *s, bool late);
void pg_put_correct(
    struct buf *b, const struct target *t, const struct shape *s, bool late);
void pg_put_seen_planned(struct buf *b, const struct target *t, bool late);
/* Counts the planned records that change a row or insert one. */
void pg_put_count_planned(struct buf *b, const struct target *t);

/* Ends the rows "etl.t"; their condition follows. */
void pg_put_close(struct buf *b, const struct target *t);

/* Merges the row "etl.r", of this shape, in the block of pg_row_by_row.c. */
void pg_put_history_row(
    struct buf *b, const struct target *t, const struct shape *s);

/* Pieces of statements. */
/* INSERT INTO t (columns), also the columns that the row carries over from the
 * row before if `carries` is set. */
void pg_put_insert_history(struct buf *b, const struct target *t,
    const struct shape *s, bool carries);
/* The time of change of the row `staged`, whose key has the row `current`. */
void pg_put_time_of_change(struct buf *b, const struct target *t,
    const char *staged, const char *current);
/* True if a compared column differs between the row `one` and the row `other`;
 * false if the record has no such column. */
void pg_put_differs(struct buf *b, const struct target *t,
    const struct shape *s, const char *one, const char *other);
/* Appends before each column that the row carries over from the row before a
 * comma and, if `from` is not NULL, its table. */
void pg_put_carried(struct buf *b, const struct target *t,
    const struct shape *s, const char *from);

#endif
