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

/* Called before anything is read. Sets `replaced` of each table: how often
 * loads in such modes have replaced rows of the table so far. */
int complete_read_replacement_counts(struct loader *l, struct err *e);
/* Called before the COMMIT. Adds 1 to the stored number of replacements of each
 * table. Fails if another load has changed one of these numbers since
 * complete_read_replacement_counts(). */
int complete_check_and_raise_versions(struct loader *l, struct err *e);
/* Called after the COMMIT. Adds 1 to `replaced` of each table, for the next
 * load of this process. */
void complete_note_raised_versions(struct loader *l);
int complete_refuse_replay(
    const struct loader *l, const struct mark *begin, struct err *e);
/* Called at each mark `begin`. Fails if this process has loaded a stream with
 * --mode replace or mirror before: the second stream would delete the rows of
 * the first. */
int complete_refuse_second_stream(const struct loader *l, struct err *e);
/* Called at the mark `begin` of a stream, unless an earlier run has loaded it.
 * Fails if the stream is an increment. */
int complete_refuse_increment_at_begin(const struct loader *l, struct err *e);
/* Called at a mark `checkpoint` or `end`. Fails if the mark shows that the
 * stream is an increment. */
int complete_refuse_increment_at_mark(
    const struct loader *l, const struct mark *m, struct err *e);
/* Called at the end of the stream, before its commit. Fails if the input was
 * cut off, or may be incomplete and --complete is not given. */
int complete_fail_if_input_may_be_cut(const struct loader *l, struct err *e);

#endif
