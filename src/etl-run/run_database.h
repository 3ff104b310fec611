/* The database of the run, named so that every stage finds the same one.
 * Gives: url, from --db, DATABASE_URL or the default; a file of SQLite by its
 *        absolute path, for the script may change its directory.
 * Fails: ERR_CONFIG for a database in memory, which no stage could share. */
#ifndef RUN_RUN_DATABASE_H
#define RUN_RUN_DATABASE_H

#include "base/buf.h"

int target_put(struct buf *url, const char *option, struct err *e);

#endif
