/* Recognizes compressed data by its first bytes: those of gzip are from RFC
 * 1952, those of Zstandard from RFC 8878. */
#ifndef BASE_COMPRESSION_H
#define BASE_COMPRESSION_H

#include <stddef.h>

/* Returns the name of the program that decompresses the data, "gzip" or "zstd";
 * NULL if the data is not compressed by one of them. */
const char *compression_find_program(const char *p, size_t n);

#endif
