/* The state of a marked stream: what its marks said, and what the ledger (table
 * etl_loads) says about it.
 * Owns:  its texts and letters; stream_release() frees them.
 * Rules: a stream with checkpoints and a replay consist of segments: only the
 *        records before a boundary may be committed.
 * Fails: 76 if marks contradict each other or the ledger, 78 if rejects of a
 *        replay went somewhere else than into the stream. */
#ifndef LOAD_STREAM_MARKS_H
#define LOAD_STREAM_MARKS_H

#include "batch/spool.h"
#include "control/letters.h"
#include "load.h"
#include "stream/mark.h"

/* The last boundary (checkpoint, resolve or end) that came. */
struct boundary {
	bool open;              /* it has not been committed yet */
	uint64_t seq;           /* of its mark; 0: none has come */
	uint64_t in, seen;      /* records and reject lines before it */
	struct spool_edge at;   /* its place in the batch */
	struct counts stages[MARK_STAGES];
	size_t nstages;
};

struct stream {
	char *id;               /* its name in the ledger */
	bool segments;          /* commit at boundaries only */
	bool replay;
	bool passive;           /* --again or --no-checkpoint: move no
	                         * checkpoint, resolve no letter */

	char *checkpoint;       /* its name in the mark begin, or NULL */
	bool begun;             /* a checkpoint mark has come */
	char *from;             /* of the first checkpoint mark */
	uint64_t version;       /* of the first checkpoint mark */
	bool known;             /* a mark or the ledger gave `expected` */
	int64_t expected;       /* the version that the stored checkpoint must
	                         * have; if not known, what it was at begin */
	char *value;            /* of the batch's last checkpoint mark, or
	                         * NULL */
	uint64_t value_seq;     /* of that mark */

	struct letter_replay *letters;  /* that the batch resolves */
	size_t nletters, room;

	struct boundary last;
	int64_t batches;        /* committed so far */
	bool loaded;            /* all of it was loaded before: skip it */
	bool skipping;          /* loaded before up to mark skip_seq: skip that
	                         * part */
	uint64_t loaded_in;     /* records that it had when it was loaded */
	uint64_t skip_seq;
	uint64_t skipped;       /* records skipped so far */
};

struct loader;

/* The mark begin has come. */
int stream_begin(struct loader *l, struct err *e);
/* Reads from the ledger how far the stream was loaded before. */
int stream_find_row(struct loader *l, struct err *e);
/* A checkpoint, resolve or end mark has come; its counts have been checked. */
int stream_boundary(struct loader *l, struct err *e);
/* The last step before COMMIT: moves the stream's row in the ledger, then the
 * stored checkpoint. 1, 0 this batch was committed before, -1. */
int stream_move_row(struct loader *l, bool ended, struct err *e);
/* The stream moves a stored checkpoint, whose version each batch checks. */
bool stream_has_checkpoint(const struct stream *s);
/* Reads the loader's own counts from the ledger. */
int stream_read_counts(struct loader *l, struct sums *sums, struct err *e);
/* The batch is committed: forget its letters and its checkpoint value. */
void stream_batch_done(struct stream *s);
/* The answer to COMMIT was lost and the batch is not tried again: closes the
 * stream's row, so that the COMMIT cannot be done any more. 1 it was done, 0 it
 * never will be, -1 nobody knows. */
int stream_give_up(struct loader *l, struct err *e);
void stream_release(struct stream *s);

#endif
