/* Identifies the content of a file by device, inode, size and the time of the
 * last change.
 * Gives: file_mtime_format() writes the time with nanoseconds:
 *        2026-05-30T12:00:00.123456789Z */
#ifndef EXTRACT_FILE_VERSION_H
#define EXTRACT_FILE_VERSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum { FILE_MTIME = 48 };

struct file_version {
	dev_t dev;
	ino_t ino;
	uint64_t size;
	struct timespec mtime;
};

void file_version_of(struct file_version *v, const struct stat *st);
bool file_version_is_same(
    const struct file_version *a, const struct file_version *b);
void file_mtime_format(char out[FILE_MTIME], struct timespec t);

#endif
