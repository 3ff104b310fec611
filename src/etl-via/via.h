/* Runs CMD on the records of a stream. CMD gets no marks; via_run() copies them
 * to the output itself. In a replay CMD is run once for each dead letter.
 * Borrows: everything in struct via_opts, and the stage.
 * Fails: ERR_REFUSED if CMD fails or breaks the rules of etl-via(1). When
 *        via_run() returns, CMD has exited or was killed with its group. */
#ifndef VIA_VIA_H
#define VIA_VIA_H

#include "stream/stage.h"

struct via_opts {
	char **argv;            /* CMD ARG... */
	bool ok[256];           /* exit statuses that are not a failure */
	enum json_members dup;  /* whether a member that occurs twice is an
				 * error */
	bool plain;             /* --plain: the input has no marks */
	size_t max_record;      /* the longest record, in bytes */
};

int via_run(struct stage *s, const struct via_opts *o, struct err *e);

#endif
