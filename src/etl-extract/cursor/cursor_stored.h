/* Reads the stored checkpoint of --checkpoint, from the file of --state or from
 * the database of --db, in which missing control tables are created.
 * Owns:  the caller frees *stored, which is NULL if none is stored. */
#ifndef EXTRACT_CURSOR_STORED_H
#define EXTRACT_CURSOR_STORED_H

#include "extract.h"

int cursor_stored_read_from_state_or_db(const struct extract_opts *o,
    char **stored, int64_t *version, struct err *e);

#endif
