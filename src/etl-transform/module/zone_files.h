/* The files of the tz database, in memory, because a process that runs a filter
 * may not read files.
 * Owns:  the contents, until zone_files_free(), which accepts NULL.
 * Gives: zone_files_find() returns the file of a zone, such as Europe/Berlin,
 *        or NULL. If the system has no tz database, no zone is found.
 * Fails: zone_files_read_all() returns -1 with *e if a file exists but cannot
 *        be read. */
#ifndef TRANSFORM_ZONE_FILES_H
#define TRANSFORM_ZONE_FILES_H

#include "base/errval.h"

#include <stddef.h>

struct zone_files;

struct zone_file {
	const char *text;
	size_t len;
};

int zone_files_read_all(struct zone_files **files, struct err *e);
void zone_files_free(struct zone_files *files);
/* `files` may be NULL. */
const struct zone_file *zone_files_find(const struct zone_files *files,
    const char *name, size_t len);

#endif
