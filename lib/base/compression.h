/* Recognizes compressed data by its first bytes. The first bytes of gzip are
 * from RFC 1952, those of Zstandard from RFC 8878. */
#ifndef BASE_COMPRESSION_H
#define BASE_COMPRESSION_H

#include <stddef.h>

struct compressor {
	const char *name;       /* for messages */
	const char *program;    /* decompresses with the option -dc */
	const char *suffix;     /* ends the names of such files */
};

/* Finds the format by the first of the n bytes at p. Returns NULL if they are
 * not compressed. */
const struct compressor *compression_find(const char *p, size_t n);

#endif
