/* The list of sources: each SOURCE of the command line. A directory or a glob
 * is replaced by the files in it.
 * Owns:  the names.
 * Gives: the names in the order of the command line; those of a directory or a
 *        glob are sorted by their bytes. A name that cannot be read is in the
 *        list too, so that its error is reported in its turn.
 * Fails: if memory is out. */
#ifndef EXTRACT_FILE_LIST_H
#define EXTRACT_FILE_LIST_H

#include "base/errval.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Identifies the content of a file by device, inode, size and the time of the
 * last change.
 * Gives: file_mtime_format() writes the time with nanoseconds:
 *        2026-05-30T12:00:00.123456789Z */

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

struct file_entry {
	char *name;
	struct err *why;        /* the reason why it cannot be read, or NULL */
	/* With --new-files: */
	struct file_version version;    /* the version that is read */
	bool was_done, was_broken;      /* what an earlier run has found */
	bool is_left_out;
	bool has_nothing_new;           /* --changed tail: nothing was added */
	char sha256[HASH_HEX];          /* hash of the bytes that are read, or
					 * "" */
};

struct file_list {
	struct file_entry *v;
	size_t n, cap;
};

/* Decides by its name whether a file in a directory is a source. */
struct file_filter {
	bool (*accepts)(const void *self, const char *path);
	const void *self;
};

/* Makes a list with one name, which need not be the name of a file. */
int file_list_single(struct file_list *l, const char *name, struct err *e);
/* `may_be_empty`: a directory without a file adds nothing to the list. Without
 * it, such a directory is a name that cannot be read. */
int file_list_expand(struct file_list *l, char *const *source, size_t n,
    bool recursive, bool may_be_empty, struct file_filter filter,
    struct err *e);
void file_list_release(struct file_list *l);

#endif
