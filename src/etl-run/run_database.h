/* The URL of the database that all stages of the run use.
 * Gives: in *url the value of --db, of DATABASE_URL or the default. The path of
 *        an SQLite file becomes absolute, because the script may change its
 *        working directory.
 * Fails: ERR_CONFIG for an SQLite database in memory, which stages cannot
 *        share. */
#ifndef RUN_RUN_DATABASE_H
#define RUN_RUN_DATABASE_H

#include "base/buf.h"

int run_database_url(struct buf *url, const char *option, struct err *e);

#endif
