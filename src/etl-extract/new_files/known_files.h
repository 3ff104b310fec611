/* What earlier runs with the same checkpoint have stored about the files.
 * Owns:  all texts; known_files_release() frees them.
 * Use:   add each file, then sort once, then find files. */
#ifndef EXTRACT_KNOWN_FILES_H
#define EXTRACT_KNOWN_FILES_H

#include "control/files.h"

#include <stddef.h>

struct known_file {
	char *path, *mtime;
	char *sha256;           /* of the first `size` bytes, or NULL */
	int64_t size;
	bool is_broken;
};

struct known_files {
	struct known_file *v;
	size_t n, cap;
};

/* A callback for file_state_each; `self` is a struct known_files. */
int known_files_add(void *self, const struct file_state *f, struct err *e);
void known_files_sort(struct known_files *k);
const struct known_file *known_files_find(
    const struct known_files *k, const char *path);
void known_files_release(struct known_files *k);

#endif
