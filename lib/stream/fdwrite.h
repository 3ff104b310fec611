/* Writes all bytes to a descriptor, in spite of short writes, EINTR and EAGAIN.
 * After a stop signal gives up after one second, or when the reader has
 * accepted nothing for 250 ms. So whole lines are written if possible, but a
 * blocked reader cannot keep the program from exiting.
 * Fails: -1 with errno, which is ETIMEDOUT if it gave up. */
#ifndef STREAM_FDWRITE_H
#define STREAM_FDWRITE_H

#include <stdbool.h>
#include <stddef.h>

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
