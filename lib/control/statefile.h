/* State file: checkpoints of a pipeline without a loader. It is a JSON object
 * {NAME: {"value": TEXT or null, "version": N}}, replaced as a whole
 * (file_replace.h). An entry may also have "files": {PATH: {"size": N,
 * "mtime": TEXT}}. Names and results are those of checkpoints.h.
 * Gives: a missing file has no checkpoints. Other names and unknown members
 *        keep their values.
 * Fails: ERR_CONFIG with the line if the file is not valid; the file is then
 *        not changed. */
#ifndef CONTROL_STATEFILE_H
#define CONTROL_STATEFILE_H

#include "control/checkpoints.h"
#include "control/files.h"

/* Parses the value of --state, "file:PATH": *path points into it. ERR_USAGE if
 * it has another form. */
int statefile_parse_option(const char **path, const char *where, struct err *e);

/* The caller frees *value, which is NULL if there is none; *version is 0 if
 * the name is not in the file. */
int statefile_read(const char *path, const char *name, char **value,
    int64_t *version, struct err *e);
/* The files of the checkpoint, as files_read() reads them. */
int statefile_read_files(const char *path, const char *name,
    file_state_each *each, void *self, struct err *e);
/* As checkpoint_read_validators(). */
int statefile_read_validators(const char *path, const char *name,
    char **validators, struct err *e);
/* Call this before a stream is read: checks that the file is valid and that it
 * can be replaced. */
int statefile_check_usable(const char *path, struct err *e);
/* Stores a checkpoint if its stored version is `expected`: the value, the JSON
 * object of the validators (NULL removes the stored one) and the files. The
 * version becomes expected + 1. */
enum checkpoint_result statefile_move(const char *path, const char *name,
    const char *value, const char *validators,
    const struct files_change *files, int64_t expected, struct err *e);
/* Does the same for the files alone: value and validators stay. */
enum checkpoint_result statefile_store_files(const char *path,
    const char *name, const struct files_change *files, int64_t expected,
    struct err *e);
/* For etl-checkpoint set and clear: any stored version is accepted. A value of
 * NULL clears the checkpoint: ERR_LIMIT if the name is not in the file. */
int statefile_set(const char *path, const char *name, const char *value,
    struct err *e);

struct statefile;
int statefile_open(struct statefile **f, const char *path, struct err *e);
int statefile_next(struct statefile *f, struct checkpoint *c,
    struct err *e);                     /* 1, 0 the end, -1; in the order of
                                         * the file */
void statefile_close(struct statefile *f);

#endif
