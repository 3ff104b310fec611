/* A secret, from where the user keeps it: env:VAR, file:PATH, cmd:COMMAND.
 * Gives: the text without its line end, on the heap; the variable is blanked
 *        and unset. secret_guard() keeps this process out of core files and
 *        from being read by others of the same user.
 * Fails: as credentials.h says. */
#ifndef EXTRACT_SECRET_H
#define EXTRACT_SECRET_H

#include "base/buf.h"

void secret_guard(void);
int secret_get(char **to, const char *from, struct err *e);
void secret_free(char *s);      /* blanks it first */
/* The whole of a descriptor, which it closes; -1 fails as errno says. */
int secret_read(struct buf *b, int fd, const char *from, struct err *e);

#endif
