/* Declarations that only lines*.c share: the buffer of a reader of lines. */
#ifndef STREAM_LINES_IMPL_H
#define STREAM_LINES_IMPL_H

#include "stream/lines.h"

enum { READ_MAX = 256 << 10, READ_MIN = 64 << 10 };

struct lines {
	int fd;                 /* -1: the next file is not yet open */
	struct lines_reader reader;     /* read NULL: fd is read */
	char *const *files;     /* those not yet opened */
	size_t nfiles;
	const char *file;       /* name of the open file; NULL: none */
	size_t max;             /* longest line that is kept whole */
	char *data;
	size_t cap;
	size_t start, end;      /* bytes that were read and not yet returned */
	size_t seen;            /* data[start..seen) has no LF; if `found`,
	                         * data[seen] is the LF */
	bool found, eof;
	uint64_t number, offset;        /* of the next line */
	struct hash *hash;      /* not NULL: a line that is too long is being
	                         * read. Its first LINES_KEPT bytes are kept in
	                         * data */
	uint64_t hashed;        /* how many bytes of that line are in the
	                         * hash */
	size_t ahead;           /* bytes after `start` that lines_look_ahead()
	                         * has returned */
	size_t ahead_no_lf;     /* bytes after these in which no LF was found */
};

/* Waits for input and reads at most `most` bytes to the end of the buffer,
 * which must have room for them. Sets *got to the number of bytes that were
 * read, 0 at the end of the input. The caller adds this number to l->end. */
enum lines_result lines_read(struct lines *l, size_t most, int timeout,
    ssize_t *got, struct err *e);

#endif
