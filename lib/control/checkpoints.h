/* The table etl_checkpoints: the cursor value that each checkpoint has reached.
 * A value is a text. Each change of a row adds 1 to its version. Rows are never
 * deleted. Call control_ensure_tables() first. The isolation level READ
 * COMMITTED is sufficient.
 * Borrows: texts until the call returns; the texts of checkpoints_next() are
 *        valid until the next call.
 * Fails:   ERR_USAGE for a wrong name, ERR_CONFIG if a stored value is not a
 *        text, ERR_RETRY if the result is CHECKPOINT_LOST. */
#ifndef CONTROL_CHECKPOINTS_H
#define CONTROL_CHECKPOINTS_H

#include "db/db.h"

enum { CHECKPOINT_NAME = 512 };         /* bytes at most */

/* Checks that a name is UTF-8, not empty, without NUL and not too long. The
 * rules are the same for the database and for state files. */
int checkpoint_check_name(const char *name, size_t len, struct err *e);

/* Reads the stored value and the version of a checkpoint. *value is NULL if the
 * checkpoint has no value; the caller frees it. *version is 0 if the table has
 * no row for the checkpoint. */
int checkpoint_read(struct db *db, const char *name, char **value,
    int64_t *version, struct err *e);

/* Reads the HTTP headers ETag and Last-Modified that were stored together with
 * the checkpoint's value. *validators is JSON, or NULL if none are stored; the
 * caller frees it. */
int checkpoint_validators(struct db *db, const char *name, char **validators,
    struct err *e);

/* For etl-checkpoint: checkpoint_set() sets the value; checkpoint_clear() sets
 * it to NULL and deletes the stored list of files (table etl_files). Both raise
 * the version, so the next commit of a loader that has read the old version
 * fails. Clearing fails with ERR_LIMIT if there is no such row. Both may wait
 * for the COMMIT of a loader, so the caller begins a transaction with
 * SQL_RUN_WAIT_LIMIT. */
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

/* The loader calls checkpoint_move() as the last statement before the COMMIT of
 * a batch. The call checks that the stored version is the expected one, and
 * locks the row until the COMMIT. If no row is expected, it keeps other
 * programs from inserting one. */
struct checkpoint_move {
	const char *name;
	int64_t expected;       /* the version that the row must have; 0: the
	                         * row must not exist */
	bool moves;             /* the batch holds a checkpoint mark, and the
	                         * version becomes expected + 1; else the
	                         * version is only checked */
	const char *value;      /* the value in the last mark checkpoint of the
	                         * batch */
	const char *validators; /* of that mark, or NULL */
	int64_t seq;            /* of that mark */
	const char *run;        /* NULL outside etl-run */
};
enum checkpoint_result {
	CHECKPOINT_FAILED = -1,
	CHECKPOINT_MOVED,       /* the version was right, and the checkpoint was
	                         * moved if m->moves: COMMIT may follow */
	CHECKPOINT_LOST         /* another process moved it: roll back, exit
	                         * with 75 */
};
enum checkpoint_result checkpoint_move(struct db *db,
    const struct checkpoint_move *m, struct err *e);

#endif
