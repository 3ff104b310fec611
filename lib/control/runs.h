/* Rows of pipeline_runs: one an attempt, from running to its end.
 * Borrows: all texts until the call returns; NULL is NULL.
 * Source: protocol.md, order of writes, etl-run. */
#ifndef CONTROL_RUNS_H
#define CONTROL_RUNS_H

#include "db/db.h"

struct run {
	int64_t row;            /* pipeline_runs.id, set by run_start() */
	const char *run;        /* uuid, new for each attempt */
	const char *pipeline, *retry_of, *host, *traceparent;
	int attempt;
};

struct run_end {                /* what run_complete() found and stored */
	bool success;           /* script exited 0 and every load has ended */
	int64_t extracted, loaded, unchanged, dropped, rejected;
	int64_t superseded, skipped;    /* not of the row */
	int64_t streams, ended; /* ledger rows of the run */
	bool appended;          /* would be twice if done again */
};

struct run_words {              /* of a run that failed; NULL: none */
	const char *message;    /* why: any bytes */
	const char *log;        /* what its stages said last: UTF-8 */
};

int run_start(struct db *db, struct run *r, struct err *e);
int run_renew(struct db *db, const char *run, struct err *e);
/* Rows of this pipeline that say running and are of this host, or not renewed
 * for ten minutes, become abandoned; *n says how many. */
int run_abandon(struct db *db, const char *pipeline, const char *host,
    int64_t *n, struct err *e);
/* Locks the row, then reads the ledger, then writes status, counts, words
 * (the log not after a success); script_ok is what the script's exit says.
 * ERR_RETRY where the row does not say running any more: another program has
 * abandoned it, or a COMMIT before, whose answer was lost, was done. *out is
 * set where a COMMIT is sent, else left as it is. */
int run_complete(struct db *db, const char *run, bool script_ok,
    const struct run_words *words, struct run_end *out, struct err *e);

/* The row as one JSON object, a member for each column. */
struct buf;
int run_json(struct db *db, const char *run, struct buf *out, struct err *e);

/* For the loader, in its transaction: the run still says running (else
 * ERR_RETRY). Gives the row's id. */
int run_fence(struct db *db, const char *run, int64_t *row, struct err *e);

#endif
