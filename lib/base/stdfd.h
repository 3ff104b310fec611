/* Checks file descriptors 0 to 3, first thing in main, before any file is
 * opened. A closed 0, 1 or 2 gets /dev/null opened in the wrong direction, so
 * that its use still fails. If 3 cannot take rejects, it gets /dev/null
 * read-only, so that no database or socket ever gets that number
 * (etl-record(5), REJECTS).
 * Fails: ERR_IO if /dev/null cannot be opened. */
#ifndef BASE_STDFD_H
#define BASE_STDFD_H

#include "errval.h"

struct stdfd {
	bool rejects;           /* 3 is open and can take rejects */
	bool same;              /* 3 is the same pipe or file as 1: rejects are
	                         * written into the stream */
};

int stdfd_check_rejects_and_fill_closed(struct stdfd *s, struct err *e);

#endif
