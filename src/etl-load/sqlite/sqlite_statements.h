/* The state and the prepared statements that are needed to store records in a
 * SQLite table. See sqlite_store.h. */
#ifndef LOAD_SQLITE_STATEMENTS_H
#define LOAD_SQLITE_STATEMENTS_H

#include "base/clock.h"
#include "sqlite/sqlite_history.h"
#include "table/record.h"

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
	struct db_stmt *late, *late_delete, *late_move; /* sqlite_late.c */
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
/* Prepares the statement that inserts s->group_records records of this shape at
 * once, unless this was done before. */
int lite_prepare_group(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, struct err *e);
/* Sets s->group_records to the number of records that one statement may insert,
 * or to 0 if the records must be inserted one by one. */
int lite_set_group_size(struct lite_store *s, struct err *e);
/* Sets s->may_leave_changes and s->refers_to_itself. */
int lite_read_traits(struct lite_store *s, struct err *e);
/* Frees all prepared statements, which are stored by the ids of shapes. Called
 * when the shapes get other ids. */
void lite_free_statements(struct lite_store *s);

#endif
