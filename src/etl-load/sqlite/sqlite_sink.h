/* The state of the SQLite sink, shared by sink_sqlite.c, sqlite_mirror.c and
 * sqlite_written.c.
 * Owns:  all of it; the sink's close() frees it. */
#ifndef LOAD_SQLITE_SINK_H
#define LOAD_SQLITE_SINK_H

#include "batch/keyset.h"
#include "sink.h"
#include "sqlite/sqlite_mirror.h"
#include "sqlite/sqlite_scopes.h"
#include "sqlite/sqlite_store.h"

/* Notes which rows the transaction has written, for --expect, in a temporary
 * table: their keys in a mode that also finds rows unchanged, else the rowids
 * of the inserted rows. */
struct lite_written {
	struct db_stmt *insert; /* NULL: nothing is noted */
	struct db_value *key;   /* room for the values of a key */
};

struct lite_sink {
	struct lite_store store;
	struct lite_scopes scopes;
	struct lite_mirror mirror;
	struct lite_written written;
	struct keyset keys;     /* of the chunk; the value of a key is the
	                         * number of the last item that was stored with
	                         * it, or of one that waits */
	unsigned char *result;  /* by item: enum lite_result, 0 if not stored */
	size_t room;
	uint32_t *later;        /* items that wait for the rows that they refer
	                         * to by a foreign key */
	size_t nlater, later_room;
};

extern const struct sink_images lite_images;
extern const struct sink_written lite_written;
/* Notes the row of the record whose values are in s->store. */
int lite_written_note(struct lite_sink *s, const struct shape *shape,
    enum lite_result r, struct err *e);
void lite_written_release(struct lite_sink *s);

#endif
