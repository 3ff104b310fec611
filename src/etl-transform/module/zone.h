/* Time zones of the tz database (RFC 9636), and fixed offsets such as +05:30.
 * Owns:  struct zone, until zone_free().
 * Gives: zone_local_offset() returns the offset, in seconds east of UTC, of a
 *        local time, which is given in seconds as if it were UTC. If the local
 *        time comes twice (clocks are put back) or not at all (clocks are put
 *        forward), the offset before the change counts.
 * Fails: ERR_INPUT if the zone does not exist. */
#ifndef TRANSFORM_ZONE_H
#define TRANSFORM_ZONE_H

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>

/* The files of the tz database, in memory, because a process that runs a filter
 * may not read files.
 * Owns:  the contents, until zone_files_free(), which accepts NULL.
 * Gives: zone_files_find() returns the file of a zone, such as Europe/Berlin,
 *        or NULL. If the system has no tz database, no zone is found.
 * Fails: zone_files_read_all() returns -1 with *e if a file exists but cannot
 *        be read. */

struct zone_files;

struct zone_file {
	const char *text;
	size_t len;
};

int zone_files_read_all(struct zone_files **files, struct err *e);
void zone_files_free(struct zone_files *files);

struct zone;

/* Opens a time zone. `name` is its name or a UTC offset. */
int zone_open(struct zone **z, const struct zone_files *files, const char *name,
    size_t len, struct err *e);
void zone_free(struct zone *z);
int zone_local_offset(const struct zone *z, int64_t local);

#endif
