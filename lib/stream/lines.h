/* The lines of a descriptor or of files; blank lines are skipped.
 * Owns:  one buffer, at most max + one read long.
 * Borrows: fd; a line's bytes hold until the next lines_next().
 * Gives: LINES_ONE a line without its LF (a last one without LF counts),
 *        LINES_END, LINES_WAIT: none within timeout ms (-1 waits for ever),
 *        LINES_STOP: a stop signal came while waiting.
 * Fails: ERR_IO, ERR_INPUT. A line over max is no failure: it is too_long. */
#ifndef STREAM_LINES_H
#define STREAM_LINES_H

#include "base/errval.h"
#include "base/hash.h"

#include <stddef.h>
#include <stdint.h>

enum { LINES_MAX = 16 << 20, LINES_KEPT = 64 << 10 };

struct line {
	const char *data;
	size_t len;
	const char *file;       /* NULL: the descriptor */
	uint64_t number;        /* from 1 in each file, blank lines counted */
	uint64_t offset;        /* of its first byte in the file */
	uint64_t bytes;         /* its whole length, also where too_long */
	bool torn;              /* the last one, without LF */
	bool too_long;          /* data is its first LINES_KEPT bytes */
	char sha256[HASH_HEX];  /* of the whole, only where too_long */
};

enum lines_result { LINES_FAILED = -1, LINES_END, LINES_ONE, LINES_WAIT,
	LINES_STOP };

struct lines;

int lines_open(struct lines **l, int fd, size_t max, struct err *e);
/* Reads the files one after the other; "-" is standard input. Fails at once if
 * one of them cannot be read. The names are borrowed. */
int lines_open_files(struct lines **l, char *const files[], size_t n,
    size_t max, struct err *e);
enum lines_result lines_next(struct lines *l, struct line *out, int timeout,
    struct err *e);
bool lines_ready(struct lines *l);      /* the next one needs no read */
void lines_trim(struct lines *l);       /* the last line is not needed */
void lines_close(struct lines *l);

#endif
