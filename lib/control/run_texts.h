/* Makes the texts of a run fit for its row in the table pipeline_runs. */
#ifndef CONTROL_RUN_TEXTS_H
#define CONTROL_RUN_TEXTS_H

#include "base/buf.h"
#include "db/db.h"

/* Appends a text that may hold any bytes, because it may be a program's stderr.
 * A long text is cut, and "?" is written for each byte that is not UTF-8. */
void run_append_cut_and_as_utf8(struct buf *b, const char *given);
/* If the database's encoding cannot hold all characters, replaces the n texts
 * by texts in ASCII, with escapes, that are kept in `ascii`. Otherwise the
 * UPDATE could fail, and the row would stay in status running. */
int run_escape_texts_if_encoding_is_limited(struct buf *ascii,
    const char **texts, size_t n, struct db *db, struct err *e);

#endif
