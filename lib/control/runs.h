/* Rows of the table pipeline_runs: one for each attempt of etl-run, from its
 * start to its end.
 * Borrows: all texts until the call returns; a NULL pointer is stored as
 *          NULL. */
#ifndef CONTROL_RUNS_H
#define CONTROL_RUNS_H

#include "db/db.h"

struct run {
	int64_t row;            /* pipeline_runs.id, set by run_start() */
	const char *run;        /* uuid, a different one for each attempt */
	const char *pipeline, *retry_of, *host, *traceparent;
	int attempt;
};

struct run_end {                /* what run_complete() found and stored */
	bool success;           /* the script exited with 0 and every stream
	                         * was loaded to its mark `end` */
	int64_t extracted, loaded, unchanged, dropped, rejected;
	int64_t superseded, skipped;    /* not stored in pipeline_runs */
	int64_t streams, ended; /* ledger rows of the run */
	bool appended;          /* rows were appended without a checkpoint: a
	                         * retry would append them again */
};

struct run_texts {              /* of a run that failed; NULL: none */
	const char *message;    /* the cause: any bytes */
	const char *log;        /* last output of its stages: UTF-8 */
};

int run_start(struct db *db, struct run *r, struct err *e);
/* Sets renewed_at, to show that the run is still active. */
int run_set_renewed_at_if_running(
    struct db *db, const char *run, struct err *e);
/* Sets the status abandoned for rows of this pipeline that are in status
 * running and belong to this host, or were not renewed for ten minutes. *n is
 * the number of these rows. Their etl-run has probably exited without writing
 * the end of the run. */
int run_abandon_stale(struct db *db, const char *pipeline, const char *host,
    int64_t *n, struct err *e);
/* Locks the row, reads the ledger, and writes status, counts and texts into
 * the row (the log only if the run failed). script_ok: the script exited with
 * 0.
 * ERR_RETRY if the row is not in status running: either another process has
 * abandoned the run, or an earlier COMMIT of this call succeeded and its answer
 * was lost. *out is set before COMMIT is sent, else it stays as it is. */
int run_complete(struct db *db, const char *run, bool script_ok,
    const struct run_texts *texts, struct run_end *out, struct err *e);

/* Appends the row as one JSON object, with a member for each column. */
struct buf;
int run_append_row_json(struct db *db, const char *run, struct buf *out,
    struct err *e);

/* For the loader, in the transaction of a batch: checks that the run is still
 * in status running (else ERR_RETRY), and keeps it so until the transaction
 * ends. *row is pipeline_runs.id. */
int run_lock_if_running(struct db *db, const char *run, int64_t *row,
    struct err *e);

#endif
