/* For the modes that need a complete stream (struct load_mode: complete). They
 * replace rows by the records of one stream. So the stream must be whole, and
 * it must not be an increment, which has only the records that are new since
 * the last run. The functions do nothing in other modes.
 * Fails: ERR_CONFIG for an increment or a replay, ERR_DATA for input that may
 *        be incomplete, ERR_RETRY if another load has replaced rows
 *        meanwhile. */
#ifndef LOAD_COMPLETE_H
#define LOAD_COMPLETE_H

#include "loader.h"

/* Called before anything is read. Notes for each table how often loads have
 * replaced the whole table and how many scopes of it (--mode delete-insert). */
int complete_read(struct loader *l, struct err *e);
/* Called at each mark `begin`. The load of a second stream begins here, so this
 * function reads the numbers again. */
int complete_begin(struct loader *l, struct err *e);
/* Called at the begin of the transaction. Of a mode that replaces or compares
 * whole tables: waits for other loads of the tables, keeps them from committing
 * before this load, and fails if one has committed since complete_read(). */
int complete_lock_tables(struct loader *l, struct err *e);
/* --mode delete-insert: does the same for the scopes t->scopes, before their
 * rows are deleted. Loads of other scopes of the table can go on. */
int complete_lock_scopes(
    struct loader *l, struct loaded_table *t, struct err *e);
/* Called just before the COMMIT: stores which scopes this load has replaced. */
int complete_store_scopes(struct loader *l, struct err *e);
/* Called after the COMMIT: another batch of this process must not take what
 * this one has stored for that of another load. */
void complete_note_commit(struct loader *l);
/* Called at each mark `begin`. Fails if the stream is a replay. */
int complete_check_replay(const struct loader *l, const struct mark *begin,
    struct err *e);
/* Called at each mark `begin`. Fails if this process has loaded a stream with
 * --mode replace or mirror before: the second stream would delete the rows of
 * the first. */
int complete_check_second(const struct loader *l, struct err *e);
/* Called at each mark `begin`. Sets l->stream.by_file if the stream has whole
 * files and --scope is the member with the path of the file. Each file is then
 * complete, so that the stream may be an increment, and is committed at each
 * boundary. */
int complete_find_files(
    struct loader *l, const struct mark *begin, struct err *e);
/* Called at the mark `begin` of a stream, unless an earlier run has loaded it.
 * Fails if the stream is an increment. */
int complete_check_begin(const struct loader *l, struct err *e);
/* Called at a mark `checkpoint` or `end`. Fails if the mark shows that the
 * stream is an increment. */
int complete_check_mark(const struct loader *l, const struct mark *m,
    struct err *e);
/* Called at the end of the stream, before its commit. Fails if the input was
 * cut off, or may be incomplete and --complete is not given. */
int complete_check_input(const struct loader *l, struct err *e);

#endif
