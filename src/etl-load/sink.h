/* Where records go. One file per database, one const struct per file.
 * Owns:  open() fills *self; close() frees it, NULL allowed.
 * Borrows: db and t until close(); the chunk o->chunk during apply().
 * Gives: apply() puts a chunk's records into the open transaction and says in
 *        o what became of each; SINK_ANEW: roll back and do the whole batch
 *        again, now more carefully. settle() is the last before the commit,
 *        fresh() the first after the connection was lost.
 * Fails: -1; transient and db_fault() say whether to try again. */
#ifndef LOAD_SINK_H
#define LOAD_SINK_H

#include "batch/outcome.h"

enum sink_result { SINK_FAILED = -1, SINK_DONE, SINK_ANEW };

struct sink {
	enum db_kind kind;
	int (*open)(void **self, struct db *db, const struct target *t,
	    struct err *e);
	enum sink_result (*apply)(void *self, struct outcome *o,
	    struct err *e);
	enum sink_result (*settle)(void *self, struct err *e);
	void (*fresh)(void *self);
	void (*close)(void *self);
};

extern const struct sink sink_sqlite, sink_pg;

const struct sink *sink_for(enum db_kind kind);         /* NULL: none */

#endif
