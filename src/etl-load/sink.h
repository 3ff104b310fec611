/* A sink writes records to one kind of database. Each kind has a file of its
 * own, with a const struct sink.
 * Owns:  open() sets *self; close() frees it and accepts NULL.
 * Borrows: db and t until close(); the chunk o->chunk during apply().
 * Gives: apply() writes the chunk's records in the open transaction and adds
 *        their outcomes to o. The caller calls settle() before the commit, and
 *        reset() after a reconnect and, with a pool, before each batch.
 * Fails: -1; e->transient and db_fault() say whether a retry may help. */
#ifndef LOAD_SINK_H
#define LOAD_SINK_H

#include "batch.h"

enum sink_result {
	SINK_FAILED = -1,
	SINK_DONE,
	SINK_REPEAT /* the caller must roll back and apply the whole batch
		     * again; the sink then checks each record more closely,
		     * or rejects a record that has ended the transaction */
};

/* The scopes that a load replaces. Each has an id, a text that is equal for
 * equal scopes. */
struct scope_ids {
	struct buf json;        /* their ids, a JSON array */
	size_t n;
	bool many;              /* more than SCOPES_MAX: the ids are not in
	                         * `json`, and the load counts as one that
	                         * replaces the whole table */
};
enum { SCOPES_MAX = 1000 };

/* Deletes the rows of the scopes of --mode delete-insert. start() forgets all
 * scopes. add() then adds the scopes of the records in o->chunk; *unreadable
 * grows by the number of records whose scope cannot be read. put_ids() sets
 * *ids to the scopes that were added. finish() returns when all rows of these
 * scopes are deleted, and adds their number to o->sums.
 * After each apply(), add_rejected() notes the scopes of the rejected records.
 * count_emptied() sets *n to how many of these scopes had rows.
 * count_recordless() sets *n to how many scopes had rows and are not among
 * `recorded`, the ids of the scopes that were added first.
 * check() fails if the database cannot run this DELETE, for example because a
 * column of --scope has a type without equality; it opens its own transaction
 * if it needs one. */
struct sink_scopes {
	int (*check)(void *self, struct err *e);
	int (*start)(void *self, struct err *e);
	int (*add)(void *self, struct outcome *o, uint64_t *unreadable,
	    struct err *e);
	int (*put_ids)(void *self, struct scope_ids *ids, struct err *e);
	int (*finish)(void *self, struct outcome *o, struct err *e);
	int (*add_rejected)(void *self, struct outcome *o, struct err *e);
	int (*count_emptied)(void *self, int64_t *n, struct err *e);
	int (*count_recordless)(void *self, const struct scope_ids *recorded,
	    int64_t *n, struct err *e);
};

struct mirror_counts {
	int64_t before;         /* rows that the table had at start(), without
				 * those that were marked as deleted */
	int64_t missing;        /* rows whose keys are not in the input */
	int64_t strays;         /* keys of loaded records for which the table
				 * has no row */
};

/* For --mode mirror, which deletes the rows whose keys are not in the input.
 * start() forgets all keys and sets c->before. add() is called after each
 * apply(): it adds the keys of the chunk's records, also of the rejected ones;
 * *unreadable grows by the number of rejected records whose key cannot be read.
 * count() sets c->missing and c->strays. remove() removes the rows that are
 * missing from the input and adds their number to *removed: it deletes them,
 * marks them as deleted (--soft-delete) or ends their validity (--mode scd2).
 * check() fails if the database role has no right to do that. */
struct sink_mirror {
	int (*check)(void *self, struct err *e);
	int (*start)(void *self, struct mirror_counts *c, struct err *e);
	int (*add)(void *self, struct outcome *o, uint64_t *unreadable,
	    struct err *e);
	int (*count)(void *self, struct mirror_counts *c, struct err *e);
	int (*remove)(void *self, uint64_t *removed, struct err *e);
};

/* For --expect: remembers which rows the transaction has inserted, updated or
 * found unchanged. check() fails if such rows of the table cannot be found
 * again. start() forgets all rows; from then on, until the transaction ends,
 * apply() notes the rows that it writes. put_rows() appends the FROM and WHERE
 * of a query of these rows; their table has the alias "etl.t" there.
 * compares_by_type() is sqlite_compares_by_type(), or NULL if the database
 * itself refuses a text that is no value of the column's type. */
struct sink_written {
	int (*check)(void *self, struct err *e);
	int (*start)(void *self, struct err *e);
	void (*put_rows)(void *self, struct buf *b);
	bool (*compares_by_type)(
	    const struct column *c, const char *text, const char *stored);
};

/* Keeps images (images.h) of the rows that the transaction changes.
 * check() fails if images of the table's rows cannot be kept. start() is called
 * before the first record is written; on PostgreSQL it locks the table against
 * other writers. finish() makes the temporary table etl_load_images with one
 * row for each row that may have changed: its key, its image before the
 * transaction (NULL: the row did not exist) and its image now (NULL: the row
 * was deleted). */
struct sink_images {
	int (*check)(void *self, struct err *e);
	int (*start)(void *self, struct err *e);
	int (*finish)(void *self, struct err *e);
};

/* For a replay of dead letters. lock() keeps other sessions from writing to the
 * table until the transaction ends. find() writes nothing: it calls note() for
 * each record of the chunk that would change or delete a row, with the number
 * of its item and the time at which the row was last written, as RFC 3339 in
 * UTC, or NULL if this is not known. With any_row it does so also for a record
 * that is equal to its row. */
typedef void note_old_row(void *self, size_t item, const char *written);
struct sink_late {
	int (*lock)(void *self, struct err *e);
	enum sink_result (*find)(void *self, struct outcome *o, bool any_row,
	    note_old_row *note, void *to, struct err *e);
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
	 * may not load the table at the same time, or to NULL if they may. A
	 * sink that never allows it has NULL in place of the function. */
	int (*why_not_split)(void *self, const char **why, struct err *e);
	/* For --mode replace. empty() deletes all rows of the table, or makes a
	 * new table for the rows of this load, and adds the number of old rows
	 * to *removed. check_empty() fails if the database role has no right to
	 * do that. check_empty is NULL if there is nothing to check. */
	int (*check_empty)(void *self, struct err *e);
	int (*empty)(void *self, uint64_t *removed, struct err *e);
	/* Called just before the COMMIT. If empty() has made a new table, drops
	 * the old table and gives the new one its name. NULL: the sink makes no
	 * new tables. */
	int (*swap)(void *self, struct err *e);
	const struct sink_scopes *scopes;
	const struct sink_mirror *mirror;
	const struct sink_written *written;
	const struct sink_images *images;
	const struct sink_late *late;
};

extern const struct sink sink_sqlite, sink_pg;

#endif
