/* The state of the loader: it loads a stream into one table.
 * Owns:  all of it; loader_close() frees what loader_open() made.
 * Flow:  load.c adds the lines of a batch to the spool, then batch_commit()
 *        applies them to the table in one transaction. */
#ifndef LOAD_LOADER_H
#define LOAD_LOADER_H

#include "base/retry.h"
#include "expect/expect.h"
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
	struct outcome outcome;         /* counts and rejects of the present try
	                                 * to load the batch */
	uint64_t batch_limit;           /* records that fill a batch: --batch,
	                                 * or fewer after a batch with many
	                                 * records of one key */
	struct expect expect;           /* the tests of --expect */
	struct retry retry;
	struct causes *causes;          /* why records were rejected, for the
	                                 * messages */
	struct sums sums;               /* committed records of this stream */
	struct sums totals;             /* committed records of the streams that
	                                 * came before this one in the input */
	uint64_t passed;                /* skipped records of the streams that
	                                 * came before this one: an earlier run
	                                 * had loaded them */
	char *run;                      /* $ETL_RUN, the run's uuid, or NULL */
	bool control;                   /* the control tables exist */
	bool marked;                    /* the input is a marked stream */
	struct stream stream;
	bool whole;                     /* commit once, at the stream's end */
	int64_t replaced;               /* of commit/complete.h */
	struct mirror_counts mirror;    /* of commit/missing_rows.h */
	uint64_t unreadable;            /* --mode mirror: rejected records of
	                                 * the present try whose key could not
	                                 * be read */
	int64_t xid;                    /* the batch's transaction id, or 0 */
	struct sums sent;               /* counts of the last COMMIT sent */
	bool unknown;                   /* the answer to that COMMIT was lost:
	                                 * the server may or may not have
	                                 * committed the batch */
	bool upstream;                  /* earlier stages have sent reject lines
	                                 * in the stream */
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
/* Commits the lines in the spool as one batch. `ended` is true if the loader
 * has read the mark `end` or, of plain input, the end of the input. If a try
 * fails for a reason that may pass, the batch is tried again, up to --retries
 * times. */
int batch_commit(struct loader *l, bool ended, struct err *e);

/* Reads the columns of the table again, because the table was altered. */
int loader_read_table_again(struct loader *l, struct err *e);
/* Rolls back after the sink has failed. If the reason is that a column of
 * PostgreSQL got another type, sets the error ERR_RETRY. If a column or the
 * table is missing (SQLSTATE 42703, 42P01), *e stays as it is. */
void loader_roll_back_and_check_table(struct loader *l, struct err *e);

/* Called after a failure of the database. Waits, connects again and, if the
 * answer to a COMMIT was lost, asks the server whether it was done. Returns
 * 1: the batch was committed; 0: the caller must repeat the batch; -1 with *e:
 * the failure cannot pass, or all --retries were made. */
int loader_reconnect_and_check_commit(
    struct loader *l, uint64_t *tries, struct err *e);

/* Stores those reject lines of the batch that are dead letters, in the open
 * transaction. */
int rejects_store_letters(struct loader *l, int64_t run_row, struct err *e);
/* Writes the reject lines that are not stored as dead letters to the file of
 * --rejects or to file descriptor 3. */
int rejects_write_to_file_or_fd3(struct loader *l, struct err *e);
/* Counts the causes of the batch's rejects, for the message of
 * --max-rejects. */
void rejects_count_causes(struct loader *l);
/* Appends the JSON array of counts that the ledger (table etl_loads) stores:
 * first the counts of the earlier stages, then the loader's counts, *sums. */
void put_ledger_counts_json(struct buf *b, const struct loader *l,
    const struct sums *sums);
/* Reads the loader's counts, the last element, from the JSON array of counts
 * that the ledger stores. Sets all counts to 0 if the array is empty. */
int parse_loader_counts(struct sums *sums, const char *json, size_t len,
    struct err *e);

#endif
