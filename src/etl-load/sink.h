/* A sink writes records to one kind of database: one file and one const struct
 * for each kind.
 * Owns:  open() sets *self; close() frees it and accepts NULL.
 * Borrows: db and t until close(); the chunk o->chunk during apply().
 * Gives: apply() writes the chunk's records in the open transaction and adds
 *        their outcomes to o. settle() is called before the commit, reset()
 *        after the session was lost, and before each batch if there is a pool.
 * Fails: -1; e->transient and db_fault() say whether a retry may help. */
#ifndef LOAD_SINK_H
#define LOAD_SINK_H

#include "batch/outcome.h"

enum sink_result {
	SINK_FAILED = -1,
	SINK_DONE,
	SINK_REPEAT /* the caller must roll back and apply the whole batch
		     * again; the sink then checks each record more closely,
		     * or rejects a record that has ended the transaction */
};

/* Deletes the rows of the scopes of --mode delete-insert. start() forgets all
 * scopes, then add() takes those of the records in o->chunk and counts in
 * *unreadable the records without a readable scope. When finish() returns, all
 * rows of these scopes are deleted, and their number is added to o->sums.
 * check() fails if the columns cannot be compared; it needs no transaction. */
struct sink_scopes {
	int (*check)(void *self, struct err *e);
	int (*start)(void *self, struct err *e);
	int (*add)(void *self, struct outcome *o, uint64_t *unreadable,
	    struct err *e);
	int (*finish)(void *self, struct outcome *o, struct err *e);
};

struct mirror_counts {
	int64_t before;         /* rows that the table had at start(), without
				 * those that were marked as deleted */
	int64_t missing;        /* rows that did not come */
	int64_t strays;         /* keys of stored records of which the table
				 * has no row */
};

/* For --mode mirror. start() forgets all keys and sets c->before. After each
 * apply() add() takes the keys of the chunk, also those of rejected records,
 * and counts in *unreadable the rejected records without a readable key.
 * count() sets the other counts. remove() deletes the rows that did not come,
 * marks them as deleted or ends them, and adds their number to *removed.
 * check() fails if the role may not do that. */
struct sink_mirror {
	int (*check)(void *self, struct err *e);
	int (*start)(void *self, struct mirror_counts *c, struct err *e);
	int (*add)(void *self, struct outcome *o, uint64_t *unreadable,
	    struct err *e);
	int (*count)(void *self, struct mirror_counts *c, struct err *e);
	int (*remove)(void *self, uint64_t *removed, struct err *e);
};

/* Knows which rows the transaction has inserted, updated or found unchanged,
 * for --expect. check() fails if the table does not allow it. start() forgets
 * all rows; from then on apply() notes what it needs, until the transaction
 * ends. put_rows() appends FROM and WHERE of a query of these rows, in which
 * their table has the name "etl.t". */
struct sink_written {
	int (*check)(void *self, struct err *e);
	int (*start)(void *self, struct err *e);
	void (*put_rows)(void *self, struct buf *b);
};

/* Keeps images (images/image_sql.h) of the rows that the transaction changes.
 * check() fails if the table does not allow it. start() is called before the
 * first record is written; on PostgreSQL it locks the table against other
 * writers. finish() makes the temporary table etl_load_images with a row for
 * each row that may have changed: its key, its image before the transaction
 * (NULL: there was no row) and its image now (NULL: there is none). */
struct sink_images {
	int (*check)(void *self, struct err *e);
	int (*start)(void *self, struct err *e);
	int (*finish)(void *self, struct err *e);
};

struct sink {
	enum db_kind kind;
	int (*open)(void **self, struct db *db, const struct target *t,
	    struct err *e);
	enum sink_result (*apply)(void *self, struct outcome *o,
	    struct err *e);
	enum sink_result (*settle)(void *self, struct err *e);
	void (*reset)(void *self);
	void (*close)(void *self);
	/* For --connections: sets *why to the reason why several connections
	 * may not load the table at the same time, or to NULL if they may.
	 * NULL: they never may. */
	int (*why_not_split)(void *self, const char **why, struct err *e);
	/* For --mode replace. empty() deletes all rows of the table, or makes a
	 * new table for the rows that come, and adds the number of old rows to
	 * *removed. check_empty() fails if the database role
	 * has no right to delete them; NULL: there is nothing to check. */
	int (*check_empty)(void *self, struct err *e);
	int (*empty)(void *self, uint64_t *removed, struct err *e);
	/* Called just before the COMMIT. If the rows are in a new table, puts
	 * it in the place of the table. NULL: there is no such table. */
	int (*swap)(void *self, struct err *e);
	const struct sink_scopes *scopes;
	const struct sink_mirror *mirror;
	const struct sink_written *written;
	const struct sink_images *images;
};

extern const struct sink sink_sqlite, sink_pg;

const struct sink *sink_for(enum db_kind kind);         /* NULL if none */

#endif
