/* Stores one record in a SQLite table, by statements prepared for each shape.
 * Owns:  statements and values; lite_store_release() frees them.
 * Gives: lite_convert() returns as reader_read(). lite_store_record() also:
 *        LITE_REFUSED: the table is unchanged; LITE_ENDED: the transaction is
 *        rolled back; both set fault and why. LITE_REPEAT: repeat the batch, to
 *        check deferred foreign keys.
 * Fails: -1: the batch cannot go on. */
#ifndef LOAD_SQLITE_STORE_H
#define LOAD_SQLITE_STORE_H

#include "base/clock.h"
#include "row.h"
#include "sqlite/sqlite_history.h"

/* The state and the prepared statements that are needed to store records in a
 * SQLite table. See sqlite_store.h. */

enum lite_result { LITE_FAILED = -1, LITE_REFUSED, LITE_ENDED, LITE_REPEAT,
	LITE_INSERTED, LITE_UPDATED, LITE_UNCHANGED, LITE_SKIPPED,
	LITE_DELETED, LITE_MISSED, LITE_FOUND, LITE_NOT_FOUND };

struct lite_statements {                /* of one shape */
	struct db_stmt *insert, *update, *seen, *newer, *find;
	struct db_stmt *insert_group;
	struct db_stmt *find_old, *move, *remove; /* only --mode cdc */
	bool finds_first;       /* the table accepts records of this shape only
	                         * as updates: look for their rows first */
	struct lite_history_shape history;      /* only --mode scd2 */
	struct db_stmt *late, *late_delete, *late_move; /* sqlite_history.c */
};

typedef void lite_statement_text(
    struct buf *, const struct target *, const struct shape *);

struct lite_store {
	struct db *db;
	const struct target *target;
	struct lite_statements *by_shape;
	size_t nshapes;
	const struct change *change;    /* of the record, in --mode cdc */
	struct db_value *values;        /* of the record, then the time, then
	                                 * the old key (struct change), or
	                                 * LITE_HISTORY_VALUES */
	struct db_value *slots;         /* room for the values of each record of
	                                 * a group; `values` points into it */
	size_t group_records;           /* records of a group, or 0 */
	bool group_aborts;      /* a group is inserted as a whole or not */
	bool group_is_unsafe;   /* a group has failed, and it is not known which
	                         * of its records stayed: have no more groups */
	const char *as_of;              /* the record's time of change */
	struct buf scratch;             /* texts that `slots` points to */
	char now[CLOCK_STAMP];
	int64_t missing;        /* how many referenced rows were missing after
	                         * the last record, for deferred foreign keys
	                         * of all tables */
	bool careful;
	bool may_leave_changes; /* the schema has triggers or ON CONFLICT
				 * FAIL: a refused record may leave some of its
				 * changes, so use a savepoint */
	bool finds_first;       /* a refused INSERT has ended the transaction:
	                         * look for the row of each record first */
	bool refers_to_itself;  /* the table has a foreign key to itself */
	struct db_fault fault;
	struct err why;
};

/* Prepares the statement for records of this shape, unless this was done
 * before. */
int lite_prepare_once(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, lite_statement_text *text, struct err *e);
/* Frees all prepared statements, which are stored by the ids of shapes. Called
 * when the shapes get other ids. */
void lite_free_statements(struct lite_store *s);

int lite_store_init(struct lite_store *s, struct db *db,
    const struct target *t, struct err *e);
void lite_store_release(struct lite_store *s);
int lite_convert(struct lite_store *s, struct reader *r, const struct line *l,
    struct reject *why, struct err *e);
/* Returns the statements of the shape, among which `insert` is prepared, or
 * NULL with *e. */
struct lite_statements *lite_get_statements(
    struct lite_store *s, const struct shape *shape, struct err *e);
enum lite_result lite_store_record(
    struct lite_store *s, const struct shape *shape, struct err *e);
/* Inserts the records of a group by one statement. s->slots has their values,
 * and s->group_records their number. Returns LITE_INSERTED; LITE_REFUSED: only
 * the first *stored records are inserted, because a record is refused or its
 * key has a row; LITE_REPEAT: repeat the batch. */
enum lite_result lite_store_group(struct lite_store *s,
    const struct shape *shape, size_t *stored, struct err *e);
/* Deletes all rows of the table. */
int lite_delete_all(struct lite_store *s, uint64_t *removed, struct err *e);
/* Sets s->fault and s->why to the error of a record that a foreign key has
 * refused. */
void lite_fail_reference(struct lite_store *s);

#endif
