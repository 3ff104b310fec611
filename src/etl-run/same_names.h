/* Warns if two processes of a run had the same stage name in streams of the
 * same name. A dead letter (a stored reject) is identified by these names and
 * the record. So if both processes reject the same record there is only one
 * letter, and a replay of this stage and stream mixes the records of both. */
#ifndef RUN_SAME_NAMES_H
#define RUN_SAME_NAMES_H

#include "stream_reports.h"

/* Prints at most two warnings: one about branches of one stream, one about
 * several streams. Prints none if memory is out. `pipeline` is the name that
 * the warning shows. */
void same_names_warn(const struct reports *r, const char *pipeline);

#endif
