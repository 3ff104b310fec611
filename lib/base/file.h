/* Files: reads whole files, compares files, and opens temporary ones. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/errval.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Reads whole files into memory, and warns of secret files that are not
 * protected.
 * Gives: the content of the file is appended to b. b->max limits its size.
 * Fails: ERR_INPUT if the file cannot be read, with its name in the message. */

int file_read(struct buf *b, const char *path, struct err *e);
/* Appends the content of an open descriptor. `name` is for messages, `code` is
 * the error if a read fails. */
int file_read_fd(struct buf *b, int fd, const char *name, enum err_code code,
    struct err *e);
/* Warns if fd is a regular file that users other than its owner may access: the
 * caller reads secrets from it. Does nothing if fd is -1. */
void file_warn_access(const char *program, int fd, const char *path);

/* Compares two files by the results of fstat(2) or stat(2). */

/* True if both describe one file or pipe. A device such as a terminal or
 * /dev/null is never the same: what is written there is not read back. */
static inline bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return !S_ISCHR(a->st_mode) && a->st_dev == b->st_dev &&
	    a->st_ino == b->st_ino;
}

/* Temporary files in TMPDIR, or else in /tmp.
 * Gives: a descriptor with close-on-exec of an empty file that has no name, so
 *        that a killed process leaves nothing behind.
 * Fails: ERR_CREATE. */

int temp_file_open(struct err *e);

#endif
