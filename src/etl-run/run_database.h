/* The URL of the run's database, which all stages use.
 * Gives: the value of --db, DATABASE_URL or the default, in *url. A file of
 *        SQLite gets an absolute path, because the script may change its
 *        working directory.
 * Fails: ERR_CONFIG for an SQLite database in memory, which stages cannot
 *        share. */
#ifndef RUN_RUN_DATABASE_H
#define RUN_RUN_DATABASE_H

#include "base/buf.h"

int run_database_resolve_url(
    struct buf *url, const char *option, struct err *e);

#endif
