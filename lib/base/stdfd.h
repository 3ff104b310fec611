/* Descriptors 0 to 3, judged first thing in main, before any open.
 * A closed 0, 1 or 2 gets /dev/null opened the wrong way round, so that use
 * still fails; a 3 that cannot take rejects gets it read-only, so that no
 * database or socket ever has that number (etl-record(5), REJECTS).
 * Fails: ERR_IO where /dev/null itself cannot be opened. */
#ifndef BASE_STDFD_H
#define BASE_STDFD_H

#include "errval.h"

struct stdfd {
	bool rejects;           /* 3 was given and can take rejects */
	bool same;              /* 3 is what 1 is: rejects go in the stream */
};

int stdfd_claim(struct stdfd *s, struct err *e);

#endif
