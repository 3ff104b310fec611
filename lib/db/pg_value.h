/* Values on their way to and from PostgreSQL, in its text format; blobs go
 * as they are, in its binary format.
 * Owns:  struct pg_args its arrays and texts, kept for the next use.
 * Gives: v, len, format: as libpq's PQexecPrepared() wants them.
 * Fails: ERR_DATA for a NUL in a text. */
#ifndef DB_PG_VALUE_H
#define DB_PG_VALUE_H

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

/* A column of type oid; bytes of a bytea are appended to b, which must have
 * room for n more. */
struct db_value pg_value(unsigned oid, const char *p, size_t n,
    struct buf *b);

#endif
