/* Reads the stored checkpoint of --checkpoint, from the file of --state or from
 * the database of --db, in which missing control tables are created.
 * Owns:  the caller frees *stored, which is NULL if none is stored. */
#ifndef EXTRACT_CURSOR_STORED_H
#define EXTRACT_CURSOR_STORED_H

#include "control/files.h"
#include "extract.h"

int cursor_stored_read(const struct extract_opts *o, char **stored,
    int64_t *version, struct err *e);
/* Like cursor_stored_read(). Also calls each() for each stored file of
 * --new-files. */
int cursor_stored_files(const struct extract_opts *o, char **stored,
    int64_t *version, file_state_each *each, void *self, struct err *e);
/* Reads the validators (validators.h) that are stored with the checkpoint, or
 * sets *validators to NULL. */
int cursor_stored_validators(const struct extract_opts *o, char **validators,
    struct err *e);

#endif
