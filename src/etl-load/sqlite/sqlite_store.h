/* Stores one record in a SQLite table, by statements prepared for each shape.
 * Owns:  statements and values; lite_store_release() frees them.
 * Gives: lite_convert_record(): 1 the values are ready; 0 reject the record,
 *        see *why. lite_store_record(): with fault and why, LITE_REFUSED: the
 *        table is unchanged, or LITE_ENDED: the transaction is rolled back.
 *        LITE_REPEAT: repeat the batch, to check deferred foreign keys.
 * Fails: -1: the batch cannot go on. */
#ifndef LOAD_SQLITE_STORE_H
#define LOAD_SQLITE_STORE_H

#include "base/clock.h"
#include "sqlite/sqlite_history.h"
#include "table/record.h"

enum lite_result { LITE_FAILED = -1, LITE_REFUSED, LITE_ENDED, LITE_REPEAT,
	LITE_INSERTED, LITE_UPDATED, LITE_UNCHANGED, LITE_SKIPPED };

struct lite_statements {                /* of one shape */
	struct db_stmt *insert, *update, *seen;
	struct lite_history_shape history;
};

struct lite_store {
	struct db *db;
	const struct target *target;
	struct lite_statements *by_shape;
	size_t nshapes;
	struct db_value *values;        /* of the record, then the time;
	                         * LITE_HISTORY_VALUES */
	const char *as_of;              /* the record's time of change */
	struct buf scratch;
	char now[CLOCK_STAMP];
	bool careful;
	bool may_leave_changes; /* the schema has triggers or ON CONFLICT
				 * FAIL: of a record that is refused, changes
				 * may stay, so use a savepoint */
	bool refers_to_itself;  /* the table has a foreign key to itself */
	struct db_fault fault;
	struct err why;
};

int lite_store_init(struct lite_store *s, struct db *db,
    const struct target *t, struct err *e);
void lite_store_release(struct lite_store *s);
/* Frees all prepared statements. Called when the shapes get other ids. */
void lite_store_free_statements(struct lite_store *s);
int lite_convert_record(struct lite_store *s, struct reader *r,
    const struct line *l, struct reject *why, struct err *e);
enum lite_result lite_store_record(
    struct lite_store *s, const struct shape *shape, struct err *e);
/* Deletes all rows of the table. */
int lite_store_delete_all(
    struct lite_store *s, uint64_t *removed, struct err *e);
/* Sets fault and why as for a record that a foreign key has refused. */
void lite_set_missing_reference(struct lite_store *s);

#endif
