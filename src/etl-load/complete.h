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
/* Called at the mark `begin` of a stream, unless an earlier run has loaded it.
 * Fails if the stream is an increment. */
int complete_check_begin(const struct loader *l, struct err *e);
/* Called at the end of the stream, before its commit. Fails if the input was
 * cut off, or may be incomplete and --complete is not given. */
int complete_check_input(const struct loader *l, struct err *e);

#endif
