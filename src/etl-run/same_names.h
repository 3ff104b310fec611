/* Warns if two processes of a run had the same stage name in streams of the
 * same name. Both names are parts of the id of a dead letter (a stored reject):
 * if both processes reject a record, it is one letter, and a replay of this
 * stage and stream mixes the records of both. */
#ifndef RUN_SAME_NAMES_H
#define RUN_SAME_NAMES_H

#include "stream_reports.h"

/* Prints at most two warnings: one for branches of one stream, one for several
 * streams. If memory runs out, it prints none. PIPELINE: for the message. */
void same_names_warn(const struct reports *r, const char *pipeline);

#endif
