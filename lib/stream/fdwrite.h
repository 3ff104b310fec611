/* Writes all bytes to a descriptor, in spite of short writes, EINTR and EAGAIN.
 * After a stop signal it gives up after one second, or after 250 ms in which
 * the reader accepts nothing: whole lines are written if possible, but a
 * blocked reader does not keep the program from ending.
 * Fails: -1 with errno; ETIMEDOUT if it gave up. */
#ifndef STREAM_FDWRITE_H
#define STREAM_FDWRITE_H

#include <stdbool.h>
#include <stddef.h>

int fd_write_all(int fd, const char *p, size_t n);
/* The same for a line of a file to which other programs write too: all bytes
 * are in the first write(2), so that no other line can come between them. Only
 * after a short write a second one follows. */
int fd_write_line_to_shared_file(int fd, const char *p, size_t n);
/* Returns true if fd is a regular file whose last byte is not LF: a program was
 * killed, or the disk was full, while it wrote the last line. Returns false if
 * the file cannot be read. fd itself may be open for writing only. */
bool fd_file_lacks_final_newline(int fd);

#endif
