/* State file: checkpoints of a pipeline without a loader. It is a JSON object
 * {NAME: {"value": TEXT or null, "version": N}}. A member NAME may also have
 * "files": {PATH: {"size": N, "mtime": TEXT}}. A change replaces the whole file
 * (statefile.c), but keeps the other checkpoints and unknown members. Names
 * and results are as in checkpoints.h.
 * Gives: a file that does not exist counts as a file without checkpoints.
 * Fails: ERR_CONFIG if the file is not valid; the message names the line, and
 *        the file is not changed. */
#ifndef CONTROL_STATEFILE_H
#define CONTROL_STATEFILE_H

#include "control/checkpoints.h"
#include "control/files.h"

/* Parses the value of --state, such as "file:PATH", and sets *path to the PATH
 * in it. Fails with ERR_USAGE if the value has another form. */
int statefile_parse(const char **path, const char *where, struct err *e);

/* Reads the value and the version of a checkpoint. *value is NULL if it has no
 * value; the caller frees it. *version is 0 if the file has no such
 * checkpoint. */
int statefile_read(const char *path, const char *name, char **value,
    int64_t *version, struct err *e);
/* Calls each() for each file of the checkpoint, as files_read() does. */
int statefile_read_files(const char *path, const char *name,
    file_state_each *each, void *self, struct err *e);
/* Like checkpoint_validators(), but reads the state file. */
int statefile_validators(const char *path, const char *name, char **validators,
    struct err *e);
/* Checks that the file is valid and that this user may replace it. Call this
 * before a stream is read. */
int statefile_check(const char *path, struct err *e);
/* Stores the value, the validators (a JSON object; NULL removes the stored one)
 * and the files of a checkpoint, and raises its version by 1. Does so only if
 * the stored version is `expected`. */
enum checkpoint_result statefile_move(const char *path, const char *name,
    const char *value, const char *validators, const struct files_change *files,
    int64_t expected, struct err *e);
/* Like statefile_move(), but stores only the files; the value and the
 * validators stay. */
enum checkpoint_result statefile_store_files(const char *path, const char *name,
    const struct files_change *files, int64_t expected, struct err *e);
/* For etl-checkpoint set and clear: sets the value, whatever version is stored.
 * A NULL clears the value and the list of files; this fails with ERR_LIMIT if
 * the file has no such checkpoint. */
int statefile_set(const char *path, const char *name, const char *value,
    struct err *e);

struct statefile;
int statefile_open(struct statefile **f, const char *path, struct err *e);
int statefile_next(struct statefile *f, struct checkpoint *c,
    struct err *e);                     /* 1, 0 the end, -1; in the order of
                                         * the file */
void statefile_close(struct statefile *f);

#endif
