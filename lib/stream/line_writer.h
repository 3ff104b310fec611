/* Writes lines to a descriptor. Buffers them until out_flush() or 64 KiB.
 * Borrows: fd. out_free() does not flush: a failing program writes no more.
 * Fails: ERR_IO; ERR_GONE if the reader has closed the pipe. */
#ifndef STREAM_LINE_WRITER_H
#define STREAM_LINE_WRITER_H

#include "base/errval.h"

#include <stdbool.h>
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

/* Writes all bytes to a descriptor, in spite of short writes, EINTR and EAGAIN.
 * After a stop signal gives up after one second, or when the reader has
 * accepted nothing for 250 ms. So whole lines are written if possible, but a
 * blocked reader cannot keep the program from exiting.
 * Fails: -1 with errno, which is ETIMEDOUT if it gave up. */

int fd_write_all(int fd, const char *p, size_t n);
/* Like fd_write_all(), for a line of a file to which other programs write, too.
 * Passes all bytes to the first write(2), so that no other line can come
 * between them. Calls write(2) again only if not all bytes were written. */
int fd_write_line(int fd, const char *p, size_t n);
/* Returns true if fd is a regular file whose last byte is not LF: the program
 * that wrote the last line was killed, or the disk was full. Returns false if
 * the file cannot be read. fd itself may be open for writing only. */
bool fd_lacks_newline(int fd);

#endif
