/* Reads whole files into memory, and warns of secret files that are not
 * protected.
 * Gives: the content of the file is appended to b. b->max limits its size.
 * Fails: ERR_INPUT if the file cannot be read, with its name in the message. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "buf.h"

int file_read(struct buf *b, const char *path, struct err *e);
/* Appends the content of an open descriptor. `name` is for messages, `code` is
 * the error if a read fails. */
int file_read_fd(struct buf *b, int fd, const char *name, enum err_code code,
    struct err *e);
/* Warns if fd is a regular file that users other than its owner may access: the
 * caller reads secrets from it. Does nothing if fd is -1. */
void file_warn_access(const char *program, int fd, const char *path);

#endif
