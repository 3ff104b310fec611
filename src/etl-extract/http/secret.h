/* Reads the secret of --secret: env:VAR, file:PATH or cmd:COMMAND.
 * Gives: the text without its line end, allocated. An environment variable is
 *        overwritten and unset, so that /proc/PID/environ does not show it.
 * Fails: with the codes that auth.h lists. */
#ifndef EXTRACT_SECRET_H
#define EXTRACT_SECRET_H

#include "base/buf.h"

/* A variable that is given as env:VAR is removed from the environment. */
int secret_load(char **to, const char *from, struct err *e);
void secret_free(char *s);      /* overwrites the text first; NULL allowed */
/* Reads fd to its end and closes it. If fd is -1, because the caller's open()
 * failed, reports errno. `from` names the source in messages. */
int secret_read_fd(struct buf *b, int fd, const char *from, struct err *e);
/* Overwrites the content of a buffer and frees it. */
void secret_release_buf(struct buf *b);

#endif
