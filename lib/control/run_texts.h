/* Makes the texts of a run fit for its row in the table pipeline_runs. */
#ifndef CONTROL_RUN_TEXTS_H
#define CONTROL_RUN_TEXTS_H

#include "base/buf.h"
#include "db/db.h"

/* Appends a text of any bytes, for example what a program has written to
 * stderr. Cuts a long text, and writes "?" for each byte that is not UTF-8. */
void run_put_text(struct buf *b, const char *given);
/* If the database's encoding cannot hold all characters of Unicode, replaces
 * the n texts by texts in ASCII with escapes, and keeps these in `ascii`.
 * Without this the UPDATE could fail, and the row would stay in status
 * running. */
int run_escape_texts(struct buf *ascii, const char **texts, size_t n,
    struct db *db, struct err *e);

#endif
