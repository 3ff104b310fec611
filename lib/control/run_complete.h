/* Writes how a run has ended into its row in the table pipeline_runs.
 * Borrows: all texts until the call returns; a NULL pointer is stored as
 *          NULL. */
#ifndef CONTROL_RUN_COMPLETE_H
#define CONTROL_RUN_COMPLETE_H

#include "base/buf.h"
#include "db/db.h"

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

/* Runs the statement `sql`, which is run_fence or run_lock. Both find and lock
 * the row of a run in status running. Fails with ERR_RETRY if no row is
 * found. */
int run_lock_row(struct db *db, enum sql_id sql, const char *run, int64_t *row,
    struct err *e);

#endif
