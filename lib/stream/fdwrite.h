/* Writes all bytes to a descriptor, in spite of short writes, EINTR and EAGAIN.
 * After a stop signal there is a limit: one second in all, and 250 ms in which
 * the reader accepts nothing. So whole lines are written if possible, but a
 * blocked reader cannot keep the program from exiting.
 * Fails: -1 with errno, which is ETIMEDOUT if the limit was reached. */
#ifndef STREAM_FDWRITE_H
#define STREAM_FDWRITE_H

#include <stdbool.h>
#include <stddef.h>

int fd_write_all(int fd, const char *p, size_t n);
/* Like fd_write_all(), for a line of a file to which other programs write, too.
 * Passes all bytes to the first write(2), so that no other line can come
 * between them. Calls it again only after a short write. */
int fd_write_line_to_shared_file(int fd, const char *p, size_t n);
/* Returns true if fd is a regular file whose last byte is not LF: the program
 * that wrote the last line was killed, or the disk was full. Returns false if
 * the file cannot be read. fd itself may be open for writing only. */
bool fd_file_lacks_final_newline(int fd);

#endif
