/* Reads the lines of a descriptor or of files; skips blank lines.
 * Owns:  a buffer of at most max + 256 KiB, and the files.
 * Borrows: fd. A line's bytes are valid until the next lines_next().
 * Gives: LINES_ONE: a line without its LF (the last line may lack it).
 *        LINES_WAIT: no line came within timeout ms (-1: no limit). LINES_STOP:
 *        a stop signal came during the wait.
 * Fails: ERR_IO, ERR_INPUT. A line longer than max is returned as too_long. */
#ifndef STREAM_LINES_H
#define STREAM_LINES_H

#include "base/errval.h"
#include "base/hash.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LINES_MAX = 16 << 20, LINES_KEPT = 64 << 10 };

struct line {
	const char *data;
	size_t len;
	const char *file;       /* the name of the file; NULL: a descriptor */
	uint64_t number;        /* the number of the line in its file, from 1;
	                         * blank lines count */
	uint64_t offset;        /* the position of its first byte in the file */
	uint64_t bytes;         /* its whole length, also if too_long */
	bool torn;              /* the last line of the input, without LF */
	bool too_long;          /* data is only its first LINES_KEPT bytes */
	char sha256[HASH_HEX];  /* of the whole line, only if too_long */
};

enum lines_result { LINES_FAILED = -1, LINES_END, LINES_ONE, LINES_WAIT,
	LINES_STOP };

struct lines;

int lines_open(struct lines **l, int fd, size_t max, struct err *e);
/* Reads the files one after the other; "-" is standard input. Fails at once if
 * one of them cannot be read. The names must stay valid until lines_close(). */
int lines_open_files(struct lines **l, char *const files[], size_t n,
    size_t max, struct err *e);
/* Reads from a function instead of a descriptor. The function waits for input,
 * copies at most n bytes of it to p, and returns their number: 0 at the end of
 * the input, -1 on failure. */
struct lines_reader {
	ssize_t (*read)(void *self, char *p, size_t n, struct err *e);
	void *self;
};
int lines_open_reader(
    struct lines **l, struct lines_reader r, size_t max, struct err *e);
/* Call this before the first line is read, if the input does not start at the
 * start of the file: sets the number of lines and of bytes before it. */
void lines_set_start(struct lines *l, uint64_t lines, uint64_t offset);
enum lines_result lines_next(struct lines *l, struct line *out, int timeout,
    struct err *e);
/* Returns the next line, blank or not, without consuming it: lines_next() later
 * returns all lines from the first one on. The next call returns the line after
 * it. Call this only for a descriptor, and before the first lines_next(). A
 * line is valid until the next call; its number and offset are not set.
 * LINES_END: the input has ended, or `most` bytes are in the buffer. If the
 * first line is longer than `most`, it is still read whole, unless it is too
 * long. LINES_WAIT: nothing came within timeout ms. */
enum lines_result lines_look_ahead(struct lines *l, struct line *out,
    size_t most, int timeout, struct err *e);
/* After this, lines_look_ahead() starts at the first line again. */
void lines_restart_ahead(struct lines *l);
/* True if the end of the input was read. */
bool lines_has_ended(const struct lines *l);
/* Returns the descriptor from which the last line was read. */
int lines_descriptor(const struct lines *l);
/* Returns true if lines_next() can return a line without reading from the
 * descriptor. Skips blank lines in the buffer. */
bool lines_is_ready(struct lines *l);
/* Call this when a large line is not needed any more: frees its memory. */
void lines_shrink(struct lines *l);
void lines_close(struct lines *l);

#endif
