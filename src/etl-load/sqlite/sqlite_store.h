/* One record into a SQLite table: statements by shape, values encoded.
 * Owns:  statements and values; lite_store_release() frees them.
 * Gives: lite_encode() 1, 0 a reject in *why, -1. lite_store() LITE_STORED,
 *        LITE_REFUSED with fault and why set and the table as it was, or -1;
 *        careful: a reference left open is refused too.
 * Fails: -1: the batch cannot go on. */
#ifndef LOAD_SQLITE_STORE_H
#define LOAD_SQLITE_STORE_H

#include "base/clock.h"
#include "table/record.h"

enum { LITE_FAILED = -1, LITE_REFUSED, LITE_STORED };

struct lite_statements {                /* of one shape */
	struct db_stmt *insert, *update, *seen;
};

struct lite_store {
	struct db *db;
	const struct target *target;
	struct lite_statements *by_shape;
	size_t nshapes;
	struct db_value *values;        /* of the record, then now */
	struct buf scratch;
	char now[CLOCK_STAMP];
	bool careful;
	bool fails;             /* what failed may leave something */
	struct db_fault fault;
	struct err why;
};

int lite_store_init(struct lite_store *s, struct db *db,
    const struct target *t, struct err *e);
void lite_store_release(struct lite_store *s);
void lite_store_forget(struct lite_store *s);   /* shapes have new ids */
int lite_encode(struct lite_store *s, struct reader *r, const struct line *l,
    struct reject *why, struct err *e);
int lite_store(struct lite_store *s, const struct shape *shape,
    struct sums *sums, struct err *e);

#endif
