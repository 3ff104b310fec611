/* A marked stream: what its marks say (struct stream in loader.h), its row in
 * the ledger (table etl_loads), and the dead letters of its batches.
 * Fails: exit code 76 if marks contradict each other or the ledger, 78 if
 *        rejects of a replay were written elsewhere than into the stream. */
#ifndef LOAD_STREAM_H
#define LOAD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct db;
struct err;
struct sums;
struct stream;
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

/* The reject lines of a batch. */

/* Called once all records of the chunk have been applied. Makes the reject
 * lines of the chunk, in the order of the input: those of the rejected records,
 * and those that earlier stages have sent. */
int rejects_make(struct loader *l, struct err *e);
/* Counts the causes of the batch's rejects, for the message of
 * --max-rejects. */
void rejects_count_causes(struct loader *l);
/* Counts the causes of the batch's rejects, and adds them to the message of
 * *e. */
void rejects_explain(struct loader *l, struct err *e);
/* Appends the JSON array of counts that the ledger (table etl_loads) stores:
 * first the counts of the earlier stages, then the loader's counts, *sums. */
void ledger_put_counts(struct buf *b, const struct loader *l,
    const struct sums *sums);
/* Reads the loader's counts, the last element, from the JSON array of counts
 * that the ledger stores. Sets all counts to 0 if the array is empty. */
int ledger_parse_counts(struct sums *sums, const char *json, size_t len,
    struct err *e);

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
