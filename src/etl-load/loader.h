/* The state of the loader: it loads a stream into one table.
 * Owns:  all of it; loader_close() frees what loader_open() made.
 * Flow:  load.c adds the lines of a batch to the spool, then batch_commit()
 *        applies them to the table in one transaction. */
#ifndef LOAD_LOADER_H
#define LOAD_LOADER_H

#include "base/retry.h"
#include "sink.h"
#include "commit/stream_marks.h"

struct loader {
	const struct load_opts *o;
	struct stage *stage;
	struct db *db;
	struct target target;
	const struct sink *sink;
	void *self;                     /* the sink's own state */
	struct spool spool;             /* the lines of the present batch */
	struct outcome outcome;         /* of the present try */
	struct retry retry;
	struct causes *causes;          /* of rejects, for messages */
	struct sums sums;               /* committed, of this stream */
	struct sums totals;             /* committed, of earlier streams of this
	                                 * input */
	uint64_t passed;                /* records of earlier streams that were
	                                 * skipped: a run before loaded them */
	char *run;                      /* $ETL_RUN, the run's uuid, or NULL */
	bool control;                   /* the control tables exist */
	bool marked;                    /* the input is a marked stream */
	struct stream stream;
	bool whole;                     /* commit once, at the stream's end */
	int64_t xid;                    /* the batch's transaction id, or 0 */
	struct sums sent;               /* counts of the last COMMIT sent */
	bool unknown;                   /* its answer was lost: it may or may
	                                 * not have been done */
	bool upstream;                  /* reject marks have come */
	int64_t due;                    /* clock_ms() at which the batch must be
	                                 * committed (--flush) */
	struct buf written;             /* a bit for each item of the batch: its
	                                 * reject went to a file or to file
	                                 * descriptor 3 in an earlier try */
};

int loader_open(struct loader *l, const struct load_opts *o,
    struct stage *s, struct err *e);
void loader_close(struct loader *l);

void sums_add(struct sums *to, const struct sums *t);
/* Commits the lines in the spool as one batch. If `ended`, the mark `end` has
 * been read. A try that failed is repeated up to --retries times if the failure
 * may pass. */
int batch_commit(struct loader *l, bool ended, struct err *e);

/* After a failure of the database: waits, connects again and finds out what
 * became of a COMMIT that had no answer. 1 the batch was committed, 0 repeat
 * the batch, -1 with *e: the failure cannot pass, or --retries is used up. */
int loader_reconnect(struct loader *l, uint64_t *tries, struct err *e);

/* Stores those reject lines of the batch that are dead letters, in the open
 * transaction. */
int rejects_store(struct loader *l, int64_t run_row, struct err *e);
/* Writes the other reject lines to the file of --rejects or to file descriptor
 * 3. */
int rejects_write_out(struct loader *l, struct err *e);
/* Counts the causes of the batch's rejects, for the message of
 * --max-rejects. */
void rejects_count_causes(struct loader *l);
/* Appends the array that the ledger stores: the counts of the stages before,
 * then the loader's own. */
void counts_put(struct buf *b, const struct loader *l,
    const struct sums *sums);
/* Reads the loader's own counts out of that array; zeros if it has none. */
int counts_read(struct sums *sums, const char *json, size_t len,
    struct err *e);

/* Waits before try n. Fails with *why if n exceeds --retries or a signal asked
 * the program to stop. */
int retry_wait_or_fail(const struct retry *r, uint64_t n,
    const struct err *why, struct err *e);

#endif
