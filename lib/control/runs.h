/* Rows of the table pipeline_runs: one for each attempt of etl-run, from its
 * start to its end.
 * Borrows: all texts until the call returns; a NULL pointer is stored as
 *          NULL. */
#ifndef CONTROL_RUNS_H
#define CONTROL_RUNS_H

#include "control/run_complete.h"

struct run {
	int64_t row;            /* pipeline_runs.id, set by
	                         * run_insert() */
	const char *run;        /* uuid, a different one for each attempt */
	const char *script;     /* absolute path; NULL: the run has no file */
	const char *pipeline, *retry_of, *host, *traceparent;
	const char *machine;    /* identifies the boot of the machine and the
	                         * lock file of the run's etl-run */
	int attempt;
	/* The etl-run that executes the run. */
	int64_t pid;            /* 0: not known, a run of version 5 */
	int64_t pid_started;    /* clock ticks from boot to the start of this
	                         * process; 0: not known */
	const char *pid_namespace;      /* in which pid is valid */
	const char *boot;       /* identifies the boot of the kernel */
	const char *host_id;    /* a hash of /etc/machine-id */
};

/* Inserts the row of a run that starts, and sets r->row to its id. Sets it to 0
 * if the pipeline already has a run in status running. */
int run_insert(struct db *db, struct run *r, struct err *e);
/* Finds the last run of the pipeline that has the path of a script, and appends
 * this path. */
struct buf;
int run_last_script(struct db *db, const char *pipeline,
    struct buf *out, struct err *e);
/* Sets renewed_at, to show that the run is still active. */
int run_renew(struct db *db, const char *run, struct err *e);
/* True if the run `other`, whose row says running, may still be alive. is_fresh
 * is true if the row was renewed in the last ten minutes. */
typedef bool run_is_alive(
    const struct run *self, const struct run *other, bool is_fresh);

/* The row of a run in status running is the lease of its pipeline. Inserts the
 * row of r unless another run is alive, and sets the status abandoned for the
 * runs that are not. *n is the number of these runs. `streams` is what the
 * stages of the run streams->run have reported (NULL: nothing is known).
 * Returns 0 if r has the lease, and 1 with the reason in *e (ERR_RETRY) if
 * another run has it. */
int run_take_lease(struct db *db, struct run *r, run_is_alive *is_alive,
    const struct run_streams *streams, int64_t *n, struct err *e);
/* Appends the run's row as one JSON object with a member for each column. */
int run_put_json(struct db *db, const char *run, struct buf *out,
    struct err *e);

/* The loader calls this in the transaction of a batch. Fails with ERR_RETRY if
 * the run is not in status running. Otherwise no other process can end the run
 * before this transaction ends. *row is set to pipeline_runs.id. */
int run_fence(struct db *db, const char *run, int64_t *row, struct err *e);

#endif
