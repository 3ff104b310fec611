/* The inside of a state file, shared by statefile*.c only: its text, checked,
 * and where its parts are. */
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
	uint32_t at;            /* the next name */
	struct buf name, value;
};

#endif
