/* A marked stream: what its marks have said, and what the ledger knows of it.
 * Owns:  its texts and letters; stream_release() frees them.
 * Rules: protocol.md, "etl-load, a batch". In a stream of segments (one with
 *        checkpoints, a replay) only what lies before a boundary commits.
 * Fails: 76 for marks that contradict each other or the ledger, 78 for a
 *        replay whose rejects left the stream. */
#ifndef LOAD_STREAM_MARKS_H
#define LOAD_STREAM_MARKS_H

#include "db/letters.h"
#include "load.h"
#include "batch/spool.h"
#include "stream/mark.h"

/* The last boundary that came. */
struct boundary {
	bool open;              /* it has not been committed */
	uint64_t seq;           /* 0: none yet */
	uint64_t in, seen;      /* records and reject lines before it */
	struct spool_edge at;
	struct counts stages[MARK_STAGES];
	size_t nstages;
};

struct stream {
	char *id;               /* in the ledger */
	bool segments;          /* commits at boundaries only */
	bool replay;
	bool passive;           /* --again, --no-checkpoint: moves none */

	char *checkpoint;       /* as begin names it, or NULL */
	bool begun;             /* a checkpoint mark has come */
	char *from;             /* as the first one has them */
	uint64_t version;
	bool known;             /* expected is: a mark or the ledger said so */
	int64_t expected;       /* the version that the checkpoint must have;
	                         * not known: as it was when begin came */
	char *value;            /* of the batch's last mark, or NULL */
	uint64_t value_seq;

	struct letter_replay *letters;  /* that the batch resolves */
	size_t nletters, room;

	struct boundary last;
	int64_t batches;        /* committed */
	bool loaded;            /* it was, before: skip all */
	bool skipping;          /* it was, up to skip_seq */
	uint64_t loaded_in;     /* records that it had then */
	uint64_t skip_seq;
	uint64_t skipped;       /* records */
};

struct loader;

/* The begin mark; find asks the ledger, how far it was loaded before. */
int stream_begin(struct loader *l, struct err *e);
int stream_find(struct loader *l, struct err *e);
/* Checkpoint, resolve or end, its sums being right. */
int stream_boundary(struct loader *l, struct err *e);
/* Last before the commit, after the letters: the ledger's row, then the
 * checkpoint's. 1, 0 this batch was committed before, -1. */
int stream_move(struct loader *l, bool ended, struct err *e);
bool stream_fenced(const struct stream *s);     /* by a checkpoint */
/* The loader's own counts, as the ledger has them. */
int stream_counts(struct loader *l, struct sums *sums, struct err *e);
/* The batch is committed; its letters and checkpoint are no more to do. */
void stream_done(struct stream *s);
/* Of a COMMIT without an answer that is not tried again: takes its place.
 * 1 it was committed, 0 it never will be, -1 nobody knows. */
int stream_give_up(struct loader *l, struct err *e);
void stream_release(struct stream *s);

#endif
