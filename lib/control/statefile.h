/* Checkpoints in a file, for a pipeline without a loader: a JSON object
 * {NAME: {"value": TEXT or null, "version": N}}, replaced whole (replace.h).
 * Gives: no file, no checkpoint. Other names, and members it does not know,
 *        stay as they are.
 * Fails: ERR_CONFIG with the place where the file is broken: it is then left
 *        as it is. Names and results are those of checkpoints.h. */
#ifndef CONTROL_STATEFILE_H
#define CONTROL_STATEFILE_H

#include "control/checkpoints.h"

/* "file:PATH", as users write it: *path points into it. ERR_USAGE. */
int statefile_path(const char **path, const char *where, struct err *e);

/* As checkpoint_read(). */
int statefile_read(const char *path, const char *name, char **value,
    int64_t *version, struct err *e);
/* Can it be read, and replaced? Before a stream is taken. */
int statefile_ready(const char *path, struct err *e);
/* Version becomes expected + 1. */
enum checkpoint_result statefile_move(const char *path, const char *name,
    const char *value, int64_t expected, struct err *e);
/* By hand: a value of NULL clears, ERR_LIMIT where the name is not there. */
int statefile_set(const char *path, const char *name, const char *value,
    struct err *e);

struct statefile;
int statefile_open(struct statefile **f, const char *path, struct err *e);
int statefile_next(struct statefile *f, struct checkpoint *c,
    struct err *e);                     /* in the file's order */
void statefile_close(struct statefile *f);

#endif
