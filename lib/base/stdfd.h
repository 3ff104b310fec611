/* Checks the file descriptors 0 to 3. Call it first in main, before any file is
 * opened. If 0, 1 or 2 is closed, /dev/null is opened there in the wrong
 * direction, so that reads or writes fail as before. If 3 cannot accept
 * rejects, /dev/null is opened there read-only, so that no database or socket
 * gets the number 3 (etl-record(5), REJECTS).
 * Fails: ERR_IO if /dev/null cannot be opened. */
#ifndef BASE_STDFD_H
#define BASE_STDFD_H

#include "errval.h"

struct stdfd {
	bool rejects;           /* 3 is open and can take rejects */
	bool same;              /* 3 is the same pipe or file as 1: rejects are
	                         * written into the stream */
};

int stdfd_claim(struct stdfd *s, struct err *e);

#endif
