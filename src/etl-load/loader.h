/* A loader at work: one stream into one table.
 * Owns:  all of it; loader_close() frees what loader_open() made.
 * Flow:  lines into spool, batch_commit() when they are enough. */
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
	void *self;                     /* the sink's */
	struct spool spool;             /* the batch being read */
	struct outcome outcome;
	struct retry retry;
	struct causes *causes;
	struct sums sums;               /* committed, of this stream */
	struct sums totals;             /* of streams before it */
	uint64_t passed;                /* skipped of these, loaded before */
	char *run;                      /* inside etl-run, else NULL */
	bool control;                   /* control tables are there */
	bool marked;                    /* there is a stream */
	struct stream stream;
	bool whole;                     /* commits once, at end */
	int64_t xid;                    /* of the batch, where it matters */
	struct sums sent;               /* what the last COMMIT sent held */
	bool unknown;                   /* its answer was lost */
	bool upstream;                  /* reject marks have come */
	int64_t due;                    /* when the batch is to be committed */
	struct buf told;                /* a bit by ordinal: it went aside */
};

int loader_open(struct loader *l, const struct load_opts *o,
    struct stage *s, struct err *e);
void loader_close(struct loader *l);

void sums_add(struct sums *to, const struct sums *t);
/* Commits what is spooled; ended: the stream's end mark is read. Done again
 * after faults that may pass, --retries times. */
int batch_commit(struct loader *l, bool ended, struct err *e);

/* After a failure of l->db: waits and connects again. 1 the batch was
 * committed, 0 do it again, -1 with *e: it is no fault that passes, or it has
 * been tried often enough. */
int loader_recover(struct loader *l, uint64_t *tries, struct err *e);

/* The batch's reject lines: letters into the database, others aside. */
int rejects_store(struct loader *l, int64_t run_row, struct err *e);
int rejects_aside(struct loader *l, struct err *e);
void rejects_causes(struct loader *l);
/* [..., {"stage":...}]: what the ledger keeps, and the loader's own out of
 * it: in is 0 where there is none. */
void counts_put(struct buf *b, const struct loader *l,
    const struct sums *sums);
int counts_read(struct sums *sums, const char *json, size_t len,
    struct err *e);

/* Waits before try n; fails with *why where no tries are left. */
int retry_pause(const struct retry *r, uint64_t n, const struct err *why,
    struct err *e);

#endif
