/* Converts values to and from PostgreSQL's text format. Blobs are sent as they
 * are, in the binary format.
 * Owns:  struct pg_args owns its arrays and texts; the next pg_args_set()
 *        overwrites them.
 * Gives: v, len and format for libpq's PQexecPrepared().
 * Fails: ERR_DATA for a text with a NUL. */
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

/* Converts the value of a column; oid is the column's type. Appends the bytes
 * of a bytea to b, and the returned value points to them. So b must have room
 * for n more bytes: its memory must not move. */
struct db_value pg_convert_value(unsigned oid, const char *p, size_t n,
    struct buf *b);

#endif
