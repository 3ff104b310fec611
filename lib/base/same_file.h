/* Compares two files by the results of fstat(2) or stat(2). */
#ifndef BASE_SAME_FILE_H
#define BASE_SAME_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

/* True if both describe one file or pipe. A device such as a terminal or
 * /dev/null is never the same: what is written there is not read back. */
static inline bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return !S_ISCHR(a->st_mode) && a->st_dev == b->st_dev &&
	    a->st_ino == b->st_ino;
}

#endif
