/* The connection to an SQLite file, for the files that include SQLite's header.
 * Owns:  lite_open_file() allocates *out, lite_close() frees it.
 * Borrows: fault until lite_close().
 * Gives: lite_wait_busy() is the busy handler; its argument is the struct lite.
 * Fails: lite_fail() sets *e and the fault from a result code and returns -1.
 *        Without SQLITE_OPEN_CREATE a missing file is the error ERR_INPUT. */
#ifndef DB_SQLITE_IMPL_H
#define DB_SQLITE_IMPL_H

#include "db/driver.h"

#include <sqlite3.h>

struct lite {
	sqlite3 *db;
	char *path;
	struct db_fault *fault;
	struct db_limits limits;
	int64_t until;          /* clock_ms() when the statement is too late */
	struct wait_limit wait_limit;
	bool has_small_cache;
};

int lite_open_file(struct lite **out, const char *path, int flags,
    struct db_fault *fault, struct err *e);
void lite_close(void *lite);
int lite_wait_busy(void *lite, int tries);
/* Call this before each statement: starts the time limit of the statement. */
void lite_start_limit(struct lite *c);
int lite_set_limits(
    void *lite, const struct db_limits *limits, struct err *e);
int lite_fail(struct lite *c, int rc, struct err *e);
/* Binds a value to parameter i. Returns a result code of SQLite. If `copies` is
 * false, the bytes of the value must stay valid until the statement is
 * reset. */
int lite_bind(sqlite3_stmt *st, int i, const struct db_value *v, bool copies);
struct db_value lite_column_value(sqlite3_stmt *st, int i);

#endif
