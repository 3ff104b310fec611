/* The records of a chunk as rows for COPY.
 * Owns:  the rows; pg_rows_release() frees them.
 * Gives: pg_rows_copy() makes a row of each record, or rejects a record that
 *        does not fit the table. It copies the rows that have the shape of the
 *        first row at once. The other functions copy the other rows, except for
 *        rows that are marked done.
 * Fails: -1; after a COPY that failed the caller rolls back. */
#ifndef LOAD_PG_ROWS_H
#define LOAD_PG_ROWS_H

#include "batch/outcome.h"
#include "pg/pg_key_order.h"

struct pg_row {
	size_t at, len;
	uint32_t item, shape;
	bool done;                      /* rejected, or in the table: it is not
	                                 * copied again */
	bool binary;                    /* made for a COPY in binary format */
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
	bool binary;                    /* all rows made so far are binary */
	bool some_need_text;            /* a row had a value without a binary
	                                 * form, so all later ones are text */
	bool sends_binary;              /* the format of the COPY */
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
/* Begin a COPY for rows of the shape, send one of these rows, and end the
 * COPY. */
int pg_copy_start(struct pg_rows *r, const struct shape *s, bool staged,
    bool binary, struct err *e);
int pg_copy_row(struct pg_rows *r, const struct shape *s,
    const struct pg_row *row, bool staged, struct err *e);
/* Adds the number of rows to r->copied. */
int pg_copy_finish(struct pg_rows *r, struct err *e);
/* Copies all rows of a shape: by one COPY, or by two if the first rows are in
 * binary form and the others are text. */
int pg_copy_shape(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e);
/* True if rows may be made for a COPY in binary format. --mode cdc and scd2 do
 * not use this format. It cannot be used if COPY writes directly into the table
 * and must set the time of the transaction, which only the server knows. */
bool pg_may_be_binary(const struct target *t, bool staged);
/* True if all rows of the chunk are in binary form, or none. One COPY cannot
 * load rows of both forms. */
bool pg_rows_one_format(const struct pg_rows *r);
/* Returns the form of the next row of the shape, from row number `from` on:
 * true if it is binary. */
bool pg_next_is_binary(const struct pg_rows *r, const struct shape *s,
    size_t from);
/* Sends the rows of the shape to a COPY that the caller has begun and will end.
 * All of them must have the same form, binary or text. */
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

#endif
