#include "new_files/new_files_impl.h"

#include "base/stop.h"
#include "file/file_format.h"
#include "stdout_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* --changed tail: reads only the lines that were added to a file. The hash of
 * the first bytes shows whether the content that was read before is
 * unchanged. */

enum { BLOCK = 64 << 10 };

/* Reads n bytes at the offset `at`. Fails if the file has become shorter. */
static int
read_block(const struct file_entry *f, int fd, char *p, size_t n, uint64_t at,
    struct err *e)
{
	ssize_t got;

	for (size_t done = 0; done < n; done += (size_t)got) {
		if (stop_signal() != 0)
			return fail_interrupted(e);
		got = pread(fd, p + done, n - done, (off_t)(at + done));
		if (got == -1 && errno == EINTR)
			got = 0;
		else if (got == -1)
			return err_errno(e, ERR_IO, f->name);
		else if (got == 0)
			return err_set(e, ERR_IO, false, "%s: the file has "
			    "become shorter while it was read: run the command "
			    "again", f->name);
	}
	return 0;
}

/* Lowers *size to the end of the last complete line: a program may still be
 * writing the line after it. */
static int
cut_to_lines(const struct file_entry *f, int fd, uint64_t *size, struct err *e)
{
	char block[BLOCK];
	const char *lf;

	while (*size > 0) {
		size_t n = *size < BLOCK ? (size_t)*size : BLOCK;

		if (read_block(f, fd, block, n, *size - n, e) == -1)
			return -1;
		lf = memrchr(block, '\n', n);
		*size -= lf == NULL ? n : n - (size_t)(lf - block) - 1;
		if (lf != NULL)
			break;
	}
	return 0;
}

struct hashes {
	struct hash *old, *all;         /* old: hash of the bytes that an
					 * earlier run has read; all: hash of
					 * the whole file */
	uint64_t old_size, lines;       /* lines: line feeds in the first
					 * old_size bytes */
};

/* Adds a block, which is at offset `at`, to the hashes. Counts the lines of the
 * part that an earlier run has read. */
static void
add_block(struct hashes *h, const char *p, size_t n, uint64_t at)
{
	size_t old = at >= h->old_size ? 0 :
	    h->old_size - at < n ? (size_t)(h->old_size - at) : n;

	hash_add(h->all, p, n);
	hash_add(h->old, p, old);
	for (size_t i = 0; i < old; i++)
		h->lines += p[i] == '\n';
}

/* Sets f->sha256 to the hash of the first `size` bytes, and `old` to the hash
 * of those that an earlier run has read. */
static int
hash_file(struct file_entry *f, int fd, uint64_t size, struct hashes *h,
    char old[HASH_HEX], struct err *e)
{
	char block[BLOCK];
	size_t n;
	int rc = 0;

	h->old = hash_new();
	h->all = hash_new();
	if (h->old == NULL || h->all == NULL)
		rc = err_nomem(e);
	for (uint64_t at = 0; rc == 0 && at < size; at += n) {
		n = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
		rc = read_block(f, fd, block, n, at, e);
		if (rc == 0)
			add_block(h, block, n, at);
	}
	if (rc == 0) {
		hash_finish(h->old, old);
		hash_finish(h->all, f->sha256);
		return 0;
	}
	hash_free(h->old);
	hash_free(h->all);
	return -1;
}

/* True if lines at the end of the file can be read without those before them:
 * CSV or NDJSON in UTF-8, not compressed. */
static bool
has_plain_lines(const struct extract_opts *o, const char *path)
{
	static const char *const names[] = { "csv", "tsv", "ndjson", "jsonl" };
	struct file_format f;

	file_format_of(&f, o, path);
	if (o->encoding != NULL || f.compression != COMPRESSION_NONE)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == f.len &&
		    strncasecmp(names[i], f.name, f.len) == 0)
			return true;
	return false;
}

int
new_files_find_tail(const struct new_files *n, struct file_entry *f, int fd,
    struct input_given *g, struct err *e)
{
	const struct known_file *k = f->was_done ?
	    known_files_find(&n->known, f->name) : NULL;
	struct hashes h = { 0 };
	char old[HASH_HEX];

	if (!has_plain_lines(n->o, f->name))
		return 0;
	if (cut_to_lines(f, fd, &g->size, e) == -1)
		return -1;
	g->has_whole_lines = true;
	h.old_size = k != NULL && (uint64_t)k->size <= g->size ?
	    (uint64_t)k->size : 0;
	if (hash_file(f, fd, g->size, &h, old, e) == -1)
		return -1;
	f->version.size = g->size;
	if (k == NULL)
		return 0;
	if (k->sha256 == NULL || (uint64_t)k->size > g->size ||
	    strcmp(k->sha256, old) != 0) {
		err_warnf("etl-extract", "%s: %s: the file is read again as a "
		    "whole", f->name, k->sha256 == NULL ?
		    "it was read without --changed tail before" :
		    "its earlier content has changed");
		return 0;
	}
	g->start = h.old_size;
	g->lines_before = h.lines;
	f->has_nothing_new = g->start == g->size;
	return 0;
}
