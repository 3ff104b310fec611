/* A state file in memory, for statefile*.c only: its text, parsed and
 * checked. */
#ifndef CONTROL_STATEFILE_IMPL_H
#define CONTROL_STATEFILE_IMPL_H

#include "base/buf.h"
#include "control/statefile.h"
#include "json/scan.h"

enum { STATEFILE_MAX = 64 << 20 };

struct statefile {
	const char *path;
	struct buf text;
	struct json j;
	uint32_t at;            /* token of the name that statefile_next()
	                         * returns next */
	struct buf name, value;
};

#endif
