/* The records of a chunk as rows for COPY.
 * Owns:  the rows; pg_rows_release() frees them.
 * Gives: pg_rows_copy() makes a row of each record, or rejects a record that
 *        does not fit the table. It copies the rows that have the shape of the
 *        first row at once. The other functions copy the other rows, except for
 *        rows that are marked done.
 * Fails: -1; after a COPY that failed the caller rolls back. */
#ifndef LOAD_PG_COPY_H
#define LOAD_PG_COPY_H

#include "batch.h"
#include "keys.h"
#include "pg/pg_codec.h"
#include "row.h"

struct pg_row {
	size_t at, len;
	uint32_t item, shape;
	bool done;                      /* rejected, or in the table: it is not
	                                 * copied again */
	bool moves;                     /* as in struct change */
	enum operation operation;       /* only --mode cdc */
};

struct pg_rows {
	struct db *db;
	const struct target *target;
	struct buf text, scratch, out, sql;
	struct pg_row *v;
	size_t n, room;
	size_t from, to;                /* see pg_rows_select(); at first
	                                 * all rows */
	struct shape **shapes;          /* those of the reader */
	size_t nshapes;
	bool *used;                     /* by shape: a selected row has it and
	                                 * is not done */
	size_t used_room;
	int64_t copied;                 /* rows that the server has accepted */
	const struct shape *first;      /* its rows are copied while they are
	                                 * made; NULL: none yet */
	bool failed;                    /* that COPY failed: the server refused
	                                 * a row */
	bool judge_all;                 /* as in struct outcome */
	struct key_order order;         /* of the rows */
};

void pg_rows_init(struct pg_rows *r, struct db *db, const struct target *t);
void pg_rows_release(struct pg_rows *r);
int pg_rows_copy(struct pg_rows *r, struct outcome *o, bool staged,
    struct err *e);
/* Makes the rows, but copies none. */
int pg_rows_make(struct pg_rows *r, struct outcome *o, struct err *e);
/* Limits the functions below to the rows number `from` to `to` - 1. */
void pg_rows_select(struct pg_rows *r, size_t from, size_t to);
/* Sends the rows of the shape to a COPY that the caller has begun and will
 * end. */
int pg_send_rows(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e);
/* Runs the COPY for the shape without any row. If it fails even so, no record
 * is the cause. */
int pg_check_copy(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e);
/* Copies all rows except for those with the same shape (set of columns) as the
 * first row: these were copied while they were made. */
int pg_copy_other_shapes(struct pg_rows *r, bool staged, struct err *e);
/* Copies the rows of a shape in pieces, each in a savepoint. Rejects the
 * records whose rows the server refuses. */
int pg_copy_in_pieces(struct pg_rows *r, const struct shape *s, bool staged,
    struct outcome *o, struct err *e);
/* True if the row has this shape and must still be copied: it is neither
 * rejected nor in the table. */
bool pg_row_is_pending(const struct pg_row *row, const struct shape *s);
#define PG_UNDO_PIECE "ROLLBACK TO SAVEPOINT etl_piece; " \
	"RELEASE SAVEPOINT etl_piece"
/* Sets the savepoint etl_piece and copies at most max_rows rows of the shape
 * into the staging table or, if `staged` is false, into the target table.
 * Starts with row *next_row and sets *next_row to the row after the last copied
 * one. Returns 1: copied, and the savepoint was released; 0: the server refused
 * one of the rows, and the caller must run PG_UNDO_PIECE; -1 with *e. */
int pg_try_copy(struct pg_rows *r, const struct shape *s, bool staged,
    size_t *next_row, size_t max_rows, struct err *e);
/* Returns the number of the row that was line `line` of a COPY. The COPY began
 * with row `from`, and the first line is 1. */
size_t pg_find_copy_row(const struct pg_rows *r, const struct shape *s,
    size_t from, int64_t line);

/* Writes a record's values in the text format of PostgreSQL's COPY. Appends the
 * values of the columns of s, separated by tabs, without newline. Values of
 * a wrong type are sent as they are: the server's message about them is the
 * best one.
 * Fails: check buf_check() of b. */

void pg_put_copy_values(struct buf *b, struct reader *r, const struct shape *s,
    struct buf *scratch);

/* Copies tuples into a temporary table of PostgreSQL. A tuple is the values
 * that a record has in some columns: a scope of --mode delete-insert, or a key.
 * Owns:  buffers; pg_tuples_release() frees them.
 * Borrows: db, target, columns and table until then.
 * Fails: -1: the batch cannot go on. */

struct pg_tuples {
	struct db *db;
	const struct target *target;
	const struct shape *columns;
	const char *table;              /* the temporary table, without
	                                 * target->suffix */
	bool takes_null;                /* a tuple may have a NULL */
	bool there;                     /* the temporary table exists */
	struct buf sql, scratch;
	struct keyset seen;             /* tuples as lines of COPY */
	bool many;                      /* the temporary table has so many that
	                                 * a nested loop over it is slow */
	size_t copied;                  /* how many of `seen` were copied */
};

void pg_tuples_init(struct pg_tuples *t, struct db *db,
    const struct target *target, const struct shape *columns,
    const char *table, bool takes_null);
void pg_tuples_release(struct pg_tuples *t);
/* Calls check() in a transaction. check() makes the temporary table and tries a
 * statement with it. Without a transaction, a connection pool could run the two
 * in different sessions. With a pool, the table is dropped at the end of the
 * transaction (see db_on_commit()). */
int pg_tuples_check(struct pg_tuples *t,
    int (*check)(void *self, struct err *e), void *self, struct err *e);
void pg_tuples_forget(struct pg_tuples *t);
/* Notes the tuple of the record, unless it was noted before. Returns 1: noted;
 * 0: the record has no such values, the columns would not keep them unchanged,
 * or one is NULL and takes_null is false; -1 with *e. */
int pg_tuples_note(struct pg_tuples *t, struct reader *r,
    const struct line *l, struct err *e);
/* Copies the tuples that were noted since the last call into the temporary
 * table. Counts in *unreadable those that the server refuses. */
int pg_tuples_copy_new(struct pg_tuples *t, bool judge_all,
    uint64_t *unreadable, struct err *e);
/* Tells the planner whether to avoid nested loops from now on in this
 * transaction. Used for statements that join a table with many tuples. */
int pg_avoid_loops(struct db *db, bool avoid, struct err *e);

#endif
