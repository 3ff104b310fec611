/* --env-file: sets the variables of a file of NAME=VALUE lines. No shell reads
 * the file.
 * Gives: each variable, also if the environment already has it. The value is
 *        the rest of the line, without a CR before the LF and without one pair
 *        of outer quotes. Nothing in it is expanded.
 * Fails: ERR_INPUT if the file does not exist; ERR_CONFIG with the number of a
 *        wrong line, never with its text, which may be a secret. */
#ifndef RUN_ENV_FILE_H
#define RUN_ENV_FILE_H

#include "base/buf.h"

/* If `names` is not NULL, appends a blank and the name of each variable. */
int envfile_load(const char *path, struct buf *names, struct err *e);

#endif
