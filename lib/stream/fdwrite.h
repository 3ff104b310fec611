/* All of a text to a descriptor: short writes, EINTR and EAGAIN dealt with.
 * After a stop signal the reader is given one second, or a quarter of one in
 * which it takes nothing, so that whole lines go out where they can and the
 * program ends all the same.
 * Fails: -1 with errno; ETIMEDOUT for that reader. */
#ifndef STREAM_FDWRITE_H
#define STREAM_FDWRITE_H

#include <stddef.h>

int fd_write(int fd, const char *p, size_t n);

#endif
