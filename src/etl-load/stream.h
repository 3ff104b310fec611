/* The state of a marked stream: what its marks said, and what the ledger (table
 * etl_loads) says about it.
 * Owns:  its texts and letters; stream_release() frees them.
 * Rules: a stream with checkpoints, or a replay, consists of segments: a commit
 *        must end at a boundary.
 * Fails: exit code 76 if marks contradict each other or the ledger, 78 if
 *        rejects of a replay were written elsewhere than into the stream. */
#ifndef LOAD_STREAM_H
#define LOAD_STREAM_H

#include "batch.h"
#include "control/letters.h"
#include "load.h"
#include "stream/mark.h"

/* The last boundary (mark `checkpoint`, `resolve` or `end`) that was read. */
struct boundary {
	bool open;              /* it has not been committed yet */
	uint64_t seq;           /* the mark's number in the stream; 0: no
	                         * boundary was read yet */
	uint64_t in, seen;      /* records and reject lines before it */
	struct spool_position
	    at; /* the end of the lines before it in the spool */
	struct counts stages[MARK_STAGES];      /* the counts in the mark */
	size_t nstages;
};

struct stream {
	char *id;               /* its name in the ledger */
	bool segments;          /* commit at boundaries only: the stream has
	                         * checkpoints or is a replay */
	bool replay;            /* sends the records of dead letters again */
	bool judged;            /* a replay that may be too late for some rows:
	                         * see commit.h */
	bool by_file;           /* --mode delete-insert: the stream has whole
	                         * files, each of which is a scope */
	bool passive;           /* --again or --no-checkpoint: move no
	                         * checkpoint, resolve no letter */

	char *checkpoint;       /* its name in the mark begin, or NULL */
	bool begun;             /* a mark `checkpoint` was read */
	char *from;             /* member `from` of the first checkpoint mark:
	                         * the cursor value that the extract began at */
	uint64_t version;       /* member `version` of the first checkpoint
	                         * mark */
	bool has_stored_value;  /* the checkpoint had a value at the mark begin;
	                         * false with --again or --no-checkpoint */
	bool known;             /* `expected` comes from a mark or the ledger */
	int64_t expected;       /* the version that the stored checkpoint must
	                         * have; if `known` is false, the version that
	                         * it had at the mark begin */
	char *value;            /* the cursor value in the batch's last
	                         * checkpoint mark, or NULL: the commit makes
	                         * it the stored checkpoint */
	uint64_t value_seq;     /* the number of that mark */
	struct buf files;       /* the files in the batch's checkpoint marks:
				 * the elements of their arrays, after "[" */
	char *validators;       /* of that mark, or NULL */

	struct letter_replay *letters;  /* dead letters to resolve when the
	                                 * batch is committed */
	uint64_t *letter_ends;          /* by letter: how many items of the
	                                 * batch come before its mark resolve;
	                                 * those from the mark before on are
	                                 * its records */
	size_t nletters, room;

	struct boundary last;
	int64_t batches;        /* batches of this stream committed so far, also
	                         * by earlier runs */
	bool loaded;            /* an earlier run has loaded the whole stream:
	                         * skip all its records */
	bool skipping;          /* an earlier run has loaded the part up to mark
	                         * skip_seq: skip the records of this part */
	uint64_t loaded_in;     /* number of records that the earlier run
	                         * loaded */
	uint64_t skip_seq;
	uint64_t skipped;       /* records skipped so far */
	int64_t kept;           /* committed rejects: those of all stages that
	                         * are dead letters, and those of the loader
	                         * in a file or descriptor 3; -1: not known */
};

struct loader;
struct loaded_table;

/* Called at the mark begin: sets up the state of a stream, then reads from the
 * ledger how far an earlier run has loaded it. */
int stream_begin(struct loader *l, struct err *e);
/* Reads from the ledger how far an earlier run has loaded the stream, and sets
 * up the loader to skip that part. Reports the load to etl-run. */
int stream_resume(struct loader *l, struct err *e);
/* Called at a mark `checkpoint`, `resolve` or `end`: checks the mark and stores
 * it as the last boundary. Commits nothing. */
int stream_note_boundary(struct loader *l, struct err *e);
/* Called on a connection of --connections, before the COMMIT of its
 * transaction. Fails if the ledger or the checkpoint is not as the batch
 * expects it. Also locks their rows: no other loader can change them until the
 * transaction ends. */
int stream_lock(const struct loader *l, struct db *db, struct err *e);
/* True if each batch of the stream checks the version of a stored checkpoint
 * and may move this checkpoint. */
bool stream_has_checkpoint(const struct stream *s);
/* Reads the loader's counts from the stream's row in the ledger. Also sets
 * l->stream.kept from this row. */
int stream_read_counts(struct loader *l, struct sums *sums, struct err *e);
/* Returns how many rejects of the stream are kept, those of the present batch
 * included (see `kept` in struct stream); -1: not known. */
int64_t stream_count_kept(const struct loader *l);
/* Called after the batch was committed: forgets its letters and its checkpoint
 * value. */
void stream_forget_batch(struct stream *s);
/* Called if the answer to COMMIT was lost and the batch is not tried again.
 * Closes the stream's row in the ledger, so that the server cannot do the
 * COMMIT later. Returns 1: the batch was committed; 0: it was not and will not
 * be committed; -1 with *e: the loader could not find out. */
int stream_close_row(struct loader *l, struct err *e);
/* Stores the files of the batch's checkpoint marks as done, in the open
 * transaction. */
int stream_store_done(struct loader *l, struct err *e);
/* If the stream has ended with a mark `failed` that lists broken files, stores
 * the names of these files in a transaction of its own. Stores nothing if
 * another run has moved the checkpoint meanwhile, because that run knows more
 * recent things about the files. */
int stream_store_broken(struct loader *l, struct err *e);
void stream_release(struct stream *s);

/* For the modes that need a complete stream (struct load_mode: complete). They
 * replace rows by the records of one stream. So the stream must be whole, and
 * it must not be an increment, which has only the records that are new since
 * the last run. The functions do nothing in other modes.
 * Fails: ERR_CONFIG for an increment or a replay, ERR_DATA for input that may
 *        be incomplete, ERR_RETRY if another load has replaced rows
 *        meanwhile. */

/* --mode delete-insert: waits for other loads of the scopes t->scopes, before
 * their rows are deleted, keeps them from committing before this load, and
 * fails if one has committed since this load began. Loads of other scopes of
 * the table can go on. */
int complete_lock_scopes(
    struct loader *l, struct loaded_table *t, struct err *e);
/* Called at the mark `begin` of a stream, unless an earlier run has loaded it.
 * Fails if the stream is an increment. */
int complete_check_begin(const struct loader *l, struct err *e);
/* Called at the end of the stream, before its commit. Fails if the input was
 * cut off, or may be incomplete and --complete is not given. */
int complete_check_input(const struct loader *l, struct err *e);

#endif
