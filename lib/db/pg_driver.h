/* Converts values to and from PostgreSQL's text format. Blobs are sent as they
 * are, in the binary format.
 * Owns:  struct pg_args owns its arrays and texts; the next pg_args_set()
 *        overwrites them.
 * Gives: v, len and format for libpq's PQexecPrepared().
 * Fails: ERR_DATA for a text with a NUL. */
#ifndef DB_PG_DRIVER_H
#define DB_PG_DRIVER_H

#include "base/buf.h"
#include "db/db.h"

struct pg_args {
	struct buf text;
	const char **v;
	int *len, *format;
	size_t room;
};

void pg_args_init(struct pg_args *a);
int pg_args_set(struct pg_args *a, const struct db_value *v, size_t n,
    struct db_fault *f, struct err *e);
void pg_args_release(struct pg_args *a);

#endif
