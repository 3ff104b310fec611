/* The records of a chunk as rows for COPY, and their COPY.
 * Owns:  the rows; pg_rows_release() frees them.
 * Gives: pg_rows_make_and_copy_first_shape() makes a row of each record and
 *        rejects records that do not fit the table. It copies the rows of the
 *        first shape while it makes them; the other functions copy the rest,
 *        without rows marked bad.
 * Fails: -1; after a COPY that failed the caller rolls back. */
#ifndef LOAD_PG_ROWS_H
#define LOAD_PG_ROWS_H

#include "batch/outcome.h"
#include "pg/pg_key_order.h"

struct pg_row {
	size_t at, len;
	uint32_t item, shape;
	bool bad;
	bool moves;                     /* as in struct change */
	enum operation operation;       /* only --mode cdc */
};

struct pg_rows {
	struct db *db;
	const struct target *target;
	struct buf text, scratch, out, sql;
	struct pg_row *v;
	size_t n, room;
	struct shape **shapes;          /* those of the reader */
	size_t nshapes;
	bool *used;                     /* by shape: this chunk has such rows */
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
int pg_rows_make_and_copy_first_shape(
    struct pg_rows *r, struct outcome *o, bool staged, struct err *e);
/* Copies all rows of a shape by one COPY. */
int pg_copy_rows_of_shape(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e);
/* Copies the rows of a shape in pieces, each in a savepoint. A row that the
 * server refuses becomes a reject. */
int pg_copy_shape_in_savepoints(struct pg_rows *r, const struct shape *s,
    bool staged, struct outcome *o, struct err *e);

#endif
