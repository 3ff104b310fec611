/* The state of the SQLite sink, shared by sink_sqlite.c and sqlite_mirror.c. */
#ifndef LOAD_SQLITE_SINK_H
#define LOAD_SQLITE_SINK_H

#include "batch/keyset.h"
#include "sqlite/sqlite_mirror.h"
#include "sqlite/sqlite_scopes.h"
#include "sqlite/sqlite_store.h"

struct lite_sink {
	struct lite_store store;
	struct lite_scopes scopes;
	struct lite_mirror mirror;
	struct keyset keys;     /* of the chunk; the value of a key is the
	                         * number of the last item that was stored with
	                         * it, or of one that waits */
	unsigned char *result;  /* by item: enum lite_result, 0 if not stored */
	size_t room;
	uint32_t *later;        /* items that wait for the rows that they refer
	                         * to by a foreign key */
	size_t nlater, later_room;
};

#endif
