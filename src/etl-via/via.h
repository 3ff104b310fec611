/* Runs CMD on the records of a stream: all of them, or in a replay those of
 * each letter by itself; marks go round it.
 * Borrows: everything in struct via_opts, and the stage.
 * Fails: ERR_REFUSED for what CMD did wrong; CMD and its group are gone when
 *        via_run() returns. */
#ifndef VIA_VIA_H
#define VIA_VIA_H

#include "stream/stage.h"

struct via_opts {
	char **argv;            /* CMD ARG... */
	bool ok[256];           /* the statuses that are no failure */
	enum json_members dup;
	bool plain;
	size_t max_record;
};

int via_run(struct stage *s, const struct via_opts *o, struct err *e);

#endif
