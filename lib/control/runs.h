/* Rows of the table pipeline_runs: one for each attempt of etl-run, from its
 * start to its end.
 * Borrows: all texts until the call returns; a NULL pointer is stored as
 *          NULL. */
#ifndef CONTROL_RUNS_H
#define CONTROL_RUNS_H

#include "base/buf.h"
#include "db/db.h"

/* Writes how a run has ended into its row in the table pipeline_runs.
 * Borrows: all texts until the call returns; a NULL pointer is stored as
 *          NULL. */

struct run_end {                /* what run_complete() found and stored */
	bool success;           /* the script exited with 0, every stream was
	                         * loaded to its mark `end` (or tolerates is
	                         * set), and all rejects were kept */
	int64_t extracted, loaded, unchanged, dropped, rejected;
	/* These are not stored in pipeline_runs. */
	int64_t superseded, skipped, missed, removed;
	int64_t streams, ended; /* ledger rows of the run, and how many of them
	                         * have ended */
	bool appended;          /* rows were appended without a checkpoint: a
	                         * retry would append them again */
	bool append_ended;      /* a load that has appended so is complete */
	bool streams_failed;    /* see run_streams.failed */
	int64_t lost_rejects;   /* rejects that were kept nowhere */
};

struct run_texts {              /* texts about a run that failed; NULL: none */
	const char *message;    /* the cause: any bytes */
	const char *log;        /* the last output of its stages, in UTF-8 */
};

struct run_load {               /* a load that its loader has reported */
	const char *stream_id, *target;         /* the key of its ledger row;
	                                         * NULL: nothing was stored */
	const char *stream;     /* the name of the stream */
};

/* What the stages of a run have reported to etl-run about their streams. */
struct run_streams {
	const char *run;        /* its uuid */
	const char *failed;     /* the streams that failed or did not end, for
	                         * messages; NULL: none */
	bool nested_failed;     /* an etl-run inside the run is among them */
	const char *lost;       /* the streams whose rejects no program has
	                         * kept; NULL: none */
	int64_t lost_rejects;   /* how many */
	bool unread;            /* no etl program has read the output of a
	                         * stream that has ended */
	const struct run_load *open;    /* loads that have reported no end: the
	                                 * ledger shows whether they have
	                                 * ended */
	size_t nopen;
	const struct run_load *repeated;        /* loads that have failed, but
	                                         * were repeated with success */
	size_t nrepeated;
};

struct run_outcome {            /* how a run has ended */
	bool abandoned;         /* the outcome is not known: etl-run was
	                         * killed */
	bool script_ok;         /* the script exited with 0 */
	bool tolerates;         /* streams may fail (--tolerate) */
	struct run_texts texts;
	const struct run_streams *streams;      /* NULL: nothing is known */
};

/* Locks the run's row, reads the ledger, and writes status, counts and texts
 * into the row; the log only if the run failed. Sets `failed`, which may be
 * NULL, to a list of the streams that failed, with their causes, and of the
 * rejects that were lost. Fails with ERR_RETRY if the run is not in status
 * running: another process has abandoned it, or an earlier COMMIT of this call
 * succeeded and its answer was lost. *out is set just before COMMIT is sent. */
int run_complete(struct db *db, const char *run, const struct run_outcome *o,
    struct run_end *out, struct buf *failed, struct err *e);

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

/* The usual number of rows that the loads of a pipeline write to one table.
 * Gives: the median over the last 20 successful runs that have loaded the
 *        table. Inserted, updated and unchanged rows count. */

enum { USUAL_RUNS_LEAST = 3, USUAL_RUNS_MOST = 20 };

struct usual_rows {
	size_t runs;            /* how many runs there were */
	double median;          /* the median of their rows; 0 without a run */
};

/* `target` is the name of the table in the ledger (column target of
 * etl_loads). */
int usual_rows_read(struct usual_rows *u, struct db *db, const char *pipeline,
    const char *target, struct err *e);

#endif
