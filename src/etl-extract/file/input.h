/* The content of a file or of standard input as UTF-8 text: decompressed if
 * the name ends in .gz or .zst, and converted if an encoding is given.
 * Owns:  the descriptor (standard input stays open) and the layers.
 * Borrows: the path and the options, until input_close().
 * Fails: ERR_INPUT or ERR_DENIED if the file cannot be opened; ERR_IO if it
 *        cannot be read or the compressed data ends early; ERR_DATA if the
 *        compressed data is damaged, or the text does not end with the newline
 *        that --final-newline requires. Messages name the file. */
#ifndef EXTRACT_INPUT_H
#define EXTRACT_INPUT_H

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct input;
struct extract;
struct layer;

/* What input_open() reads instead of the file at the path. */
struct input_given {
	int fd;                 /* input_open() makes a copy of it */
	uint64_t size;          /* number of bytes to read; it is a failure if
				 * there are fewer */
	uint64_t start;         /* offset of the first record to read; the
				 * header of a CSV file is read too */
	uint64_t lines_before;  /* number of lines before `start` */
	bool is_decompressed;   /* do not decompress, whatever suffix the path
				 * has */
	bool is_decoded;        /* the same, for a body that the service has
				 * sent decompressed */
	struct layer *layer;    /* if not NULL, it is read in place of fd */
	const uint64_t *layer_bytes;    /* bytes that were read from it */
	bool (*may_wait)(struct layer *l);      /* for it */
	const char *name;       /* its name in messages and rejects */
	bool has_whole_lines;   /* `size` was lowered to the end of a line: do
				 * not apply --final-newline */
};

/* The path "-" is standard input. *x has the options and x->given. */
int input_open(struct input **in, const struct extract *x, const char *path,
    enum compression c, struct err *e);
void input_close(struct input *in);
/* Reads up to n bytes to p. Returns their number, 0 at the end, -1 on
 * failure. */
ssize_t input_read(struct input *in, char *p, size_t n, struct err *e);
/* True if input_read() may have to wait until another process writes. */
bool input_may_wait(const struct input *in);
/* True if input_seek() works: for a regular file that is neither decompressed
 * nor converted. */
bool input_is_seekable(const struct input *in);
/* Returns the size of a regular file, or 0 for anything else. */
uint64_t input_size(const struct input *in);
/* For a child process: opens the same file again, so that the child has a file
 * offset of its own. */
int input_reopen(struct input *in, struct err *e);
int input_seek(struct input *in, uint64_t offset, struct err *e);
/* True if the text was converted from another encoding. Then
 * input_put_original() converts a part of it back to the bytes of the file. */
bool input_is_converted(const struct input *in);
struct buf;
int input_put_original(const struct input *in, struct buf *out,
    const char *text, size_t n, struct err *e);
const char *input_path(const struct input *in);
/* The kind of the origin of a record: "stdin", "file" or "http". */
const char *input_kind(const struct input *in);

/* Checks the name of an encoding: ERR_USAGE if iconv(3) does not know it. */
int encoding_check(const char *encoding, struct err *e);

/* One step between the bytes of a file and its reader: the descriptor itself, a
 * decompressor, or the conversion to UTF-8.
 * Owns:  the layer below, which close() also closes.
 * Gives: read() returns the number of bytes that it has written to p, 0 at the
 *        end of the input, -1 with an error. n is never 0. */

enum { LAYER_CHUNK = 64 << 10 };        /* bytes that a layer reads at once */

struct layer {
	ssize_t (*read)(struct layer *l, char *p, size_t n, struct err *e);
	void (*close)(struct layer *l);
};

#endif
