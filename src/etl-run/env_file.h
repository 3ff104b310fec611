/* --env-file: NAME=VALUE lines, read as data, never by a shell.
 * Gives: each variable set in the environment, over what was there: it is an
 *        option. The value is the rest of the line, without a CR before the
 *        LF and one pair of outer quotes; nothing in it is expanded.
 * Fails: ERR_INPUT where there is no file, ERR_CONFIG with the number of a
 *        line of another form (never with its text: it may be a secret). */
#ifndef RUN_ENV_FILE_H
#define RUN_ENV_FILE_H

#include "base/buf.h"

/* names may be NULL; else " NAME" of each is appended. */
int envfile_load(const char *path, struct buf *names, struct err *e);

#endif
