/* Rows of the table pipeline_runs: one for each attempt of etl-run, from its
 * start to its end.
 * Borrows: all texts until the call returns; a NULL pointer is stored as
 *          NULL. */
#ifndef CONTROL_RUNS_H
#define CONTROL_RUNS_H

#include "control/run_complete.h"

struct run {
	int64_t row;            /* pipeline_runs.id, set by
	                         * run_insert_row_as_running() */
	const char *run;        /* uuid, a different one for each attempt */
	const char *script;     /* absolute path; NULL: the run has no file */
	const char *pipeline, *retry_of, *host, *traceparent;
	const char *machine;    /* identifies the boot of the machine and the
	                         * lock folder of the run's etl-run */
	int attempt;
};

int run_insert_row_as_running(struct db *db, struct run *r, struct err *e);
/* Finds the last run of the pipeline that has the path of a script, and appends
 * this path. */
struct buf;
int run_append_last_script(struct db *db, const char *pipeline,
    struct buf *out, struct err *e);
/* Sets renewed_at, to show that the run is still active. */
int run_set_renewed_at_if_running(
    struct db *db, const char *run, struct err *e);
/* Sets the status abandoned for the stale runs of r's pipeline. A run is stale
 * if it is in status running and has the host and machine of r, or was not
 * renewed for ten minutes: its etl-run has probably exited without writing the
 * end of the run. *n is the number of these runs. `streams` is what the stages
 * of the run streams->run have reported (NULL: nothing is known). */
int run_abandon_stale(struct db *db, const struct run *r,
    const struct run_streams *streams, int64_t *n, struct err *e);
/* Appends the run's row as one JSON object with a member for each column. */
int run_append_row_json(struct db *db, const char *run, struct buf *out,
    struct err *e);

/* The loader calls this in the transaction of a batch. Fails with ERR_RETRY if
 * the run is not in status running. Otherwise no other process can end the run
 * before this transaction ends. *row is set to pipeline_runs.id. */
int run_lock_if_running(struct db *db, const char *run, int64_t *row,
    struct err *e);

#endif
