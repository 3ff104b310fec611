/* Time zones of the tz database (RFC 9636), and fixed offsets.
 * Owns:  struct zone, until zone_free().
 * Gives: zone_offset(): seconds east of UTC for a local time, counted as if
 *        it were UTC.  Where the clock was put back (two such times) or
 *        forward (none), the offset before the change holds.
 * Fails: ERR_INPUT where there is no such zone. */
#ifndef TRANSFORM_ZONE_H
#define TRANSFORM_ZONE_H

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>

struct zone;

int zone_open(struct zone **z, const char *name, size_t len, struct err *e);
void zone_free(struct zone *z);
int zone_offset(const struct zone *z, int64_t local);

#endif
