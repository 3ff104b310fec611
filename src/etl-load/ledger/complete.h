/* For the modes that need a complete stream (struct load_mode: complete). They
 * replace rows by the records of one stream, so they may neither load a part of
 * a stream nor an increment, which has only the records that are new since the
 * last run. They do nothing in the other modes.
 * Fails: ERR_CONFIG for an increment or a replay, ERR_DATA for input that may
 *        be incomplete, ERR_RETRY if another load was faster. */
#ifndef LOAD_COMPLETE_H
#define LOAD_COMPLETE_H

#include "loader.h"

/* Called before anything is read. Stores in each table's `replaced` how often
 * such loads have replaced rows of the table. */
int complete_read_versions(struct loader *l, struct err *e);
/* Called before the COMMIT. Adds 1 to the stored numbers, unless another load
 * has changed one meanwhile. */
int complete_check_and_raise_versions(struct loader *l, struct err *e);
/* Called after the COMMIT: the next load of this process expects the new
 * numbers. */
void complete_note_raised_versions(struct loader *l);
int complete_refuse_replay(
    const struct loader *l, const struct mark *begin, struct err *e);
/* Called at each mark begin. Fails if --mode replace or mirror has loaded a
 * stream: the next one would delete its rows. */
int complete_refuse_second_stream(const struct loader *l, struct err *e);
/* Called at the mark begin of a stream that was not loaded before. */
int complete_refuse_increment_at_begin(const struct loader *l, struct err *e);
/* Called at a mark `checkpoint` or `end`. */
int complete_refuse_increment_at_mark(
    const struct loader *l, const struct mark *m, struct err *e);
/* Called at the end of the stream, before its commit. */
int complete_check_end(const struct loader *l, struct err *e);

#endif
