/* Takes the place of the table if --create is given and the input has no record
 * from which the table could be made. The loader then still handles the marks
 * of the stream, such as its checkpoint.
 * Gives: a target without columns, and a sink that gets no records. */
#ifndef LOAD_ABSENT_TABLE_H
#define LOAD_ABSENT_TABLE_H

#include "sink.h"

int target_open_absent(struct target *t, struct db *db,
    const struct load_opts *o, struct err *e);
extern const struct sink sink_absent;

#endif
