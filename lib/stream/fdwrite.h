/* Writes all bytes to a descriptor, in spite of short writes, EINTR and EAGAIN.
 * After a stop signal it gives up after one second, or after 250 ms in which
 * the reader accepts nothing: whole lines are written if possible, but a
 * blocked reader does not keep the program from ending.
 * Fails: -1 with errno; ETIMEDOUT if it gave up. */
#ifndef STREAM_FDWRITE_H
#define STREAM_FDWRITE_H

#include <stddef.h>

int fd_write_all(int fd, const char *p, size_t n);

#endif
