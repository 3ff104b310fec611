/* Writes lines to a descriptor. Buffers them until out_flush() or 64 KiB.
 * Borrows: fd. out_free() does not flush: a failing program writes no more.
 * Fails: ERR_IO; ERR_GONE if the reader has closed the pipe. */
#ifndef STREAM_LINE_WRITER_H
#define STREAM_LINE_WRITER_H

#include "base/errval.h"

#include <stddef.h>

struct out;

/* NAME is the descriptor's name in messages. */
int out_open(struct out **o, int fd, const char *name, struct err *e);
int out_write_line(struct out *o, const char *p, size_t n, struct err *e);
/* Writes bytes as they are, without adding an LF: a part of a line, or whole
 * lines with their LFs. */
int out_write_part(struct out *o, const char *p, size_t n, struct err *e);
int out_flush(struct out *o, struct err *e);
void out_free(struct out *o);

#endif
