/* Time zones of the tz database (RFC 9636), and fixed offsets such as +05:30.
 * Owns:  struct zone, until zone_free().
 * Gives: zone_local_offset() returns the offset, in seconds east of UTC, of a
 *        local time, which is given in seconds as if it were UTC. If the local
 *        time comes twice (clocks are put back) or not at all (clocks are put
 *        forward), the offset before the change counts.
 * Fails: ERR_INPUT if the zone does not exist. */
#ifndef TRANSFORM_ZONE_H
#define TRANSFORM_ZONE_H

#include "module/zone_files.h"

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>

struct zone;

/* Opens a time zone. `name` is its name or a UTC offset. */
int zone_open(struct zone **z, const struct zone_files *files, const char *name,
    size_t len, struct err *e);
void zone_free(struct zone *z);
int zone_local_offset(const struct zone *z, int64_t local);

#endif
