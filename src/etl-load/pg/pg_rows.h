/* A chunk's records as rows for COPY, and the COPY of them.
 * Owns:  the rows; pg_rows_release() frees them.
 * Gives: pg_rows_read() makes the rows, and rejects for what is no record of
 *        this table; meanwhile rows of the first shape are copied. The copies
 *        are of those rows that are not bad yet.
 * Fails: -1; after a COPY that failed the caller rolls back. */
#ifndef LOAD_PG_ROWS_H
#define LOAD_PG_ROWS_H

#include "batch/outcome.h"

struct pg_row {
	size_t at, len;
	uint32_t item, shape;
	bool bad;
};

struct pg_rows {
	struct db *db;
	const struct target *target;
	struct buf text, scratch, out, sql;
	struct pg_row *v;
	size_t n, room;
	struct shape **shapes;          /* the reader's */
	size_t nshapes;
	bool *used;                     /* shapes of this chunk */
	size_t used_room;
	int64_t copied;                 /* that the server has taken */
	const struct shape *first;      /* copied while it was read */
	bool failed;                    /* but the server refused a row */
};

void pg_rows_init(struct pg_rows *r, struct db *db, const struct target *t);
void pg_rows_release(struct pg_rows *r);
int pg_rows_read(struct pg_rows *r, struct outcome *o, bool staged,
    struct err *e);
/* All rows of a shape in one COPY. */
int pg_copy_all(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e);
/* All rows in pieces, each in a savepoint: bad ones become rejects. */
int pg_copy_pieces(struct pg_rows *r, const struct shape *s,
    struct outcome *o, struct err *e);

#endif
