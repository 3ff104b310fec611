/* etl_checkpoints: how far each name has come. Values are texts; version goes
 * up by one with every move, and a row once made stays.
 * Borrows: texts until the call returns; those of checkpoints_next() are the
 *          database's until the next one.
 * Needs:   control_ensure() before. READ COMMITTED is enough.
 * Fails:   ERR_USAGE for a name that is none, ERR_CONFIG for a row whose value
 *          is no text; with CHECKPOINT_LOST *e says why, and is ERR_RETRY. */
#ifndef CONTROL_CHECKPOINTS_H
#define CONTROL_CHECKPOINTS_H

#include "db/db.h"

enum { CHECKPOINT_NAME = 512 };         /* bytes at most */

/* UTF-8, not empty, no NUL, not too long: for both stores. */
int checkpoint_name(const char *name, size_t len, struct err *e);

/* *value is the caller's to free, NULL where there is none; *version is 0
 * where there is no row. */
int checkpoint_read(struct db *db, const char *name, char **value,
    int64_t *version, struct err *e);

/* By hand: whatever the version is, it goes up, and a loader that runs loses
 * its race. ERR_LIMIT where clear finds no row. In a transaction of the
 * caller's, as it may wait for a loader's COMMIT (SQL_RUN_WAIT_LIMIT). */
int checkpoint_set(struct db *db, const char *name, const char *value,
    struct err *e);
int checkpoint_clear(struct db *db, const char *name, struct err *e);

struct checkpoint {
	const char *name, *value, *run, *updated_at;    /* NULL: none */
	int64_t version, seq;
};
struct checkpoints;
int checkpoints_open(struct checkpoints **l, struct db *db, struct err *e);
int checkpoints_next(struct checkpoints *l, struct checkpoint *c,
    struct err *e);                     /* 1, 0 the end, -1; by name */
void checkpoints_close(struct checkpoints *l);

/* For the loader, in its batch's transaction, last before COMMIT (protocol.md,
 * order of writes, 3e): locks the row, or keeps others from making one, and
 * checks that its version is the one expected. */
struct checkpoint_move {
	const char *name;
	int64_t expected;       /* 0: no row may be there */
	bool moves;             /* the batch holds a mark: the version becomes
	                         * expected + 1; else it is only checked */
	const char *value;      /* of the last mark in the batch */
	int64_t seq;            /* of that mark */
	const char *run;        /* NULL outside etl-run */
};
enum checkpoint_result {
	CHECKPOINT_FAILED = -1,
	CHECKPOINT_MOVED,       /* or found as expected: go on to COMMIT */
	CHECKPOINT_LOST         /* somebody else moved it: ROLLBACK, 75 */
};
enum checkpoint_result checkpoint_move(struct db *db,
    const struct checkpoint_move *m, struct err *e);

#endif
