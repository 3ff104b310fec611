/* Compares the rows of a run with their images, and restores them from the
 * images.
 * Borrows: everything in struct undo_rows. The caller has begun a transaction.
 * Fails: ERR_DATA if a row is not as its image says; the message names rows. */
#ifndef LOAD_UNDO_ROWS_H
#define LOAD_UNDO_ROWS_H

#include "db/table.h"

struct undo_table {             /* a table that the run has loaded */
	struct table *table;
	size_t *key, nkey;      /* the columns of the keys of images */
	int64_t last;           /* the number of its last stream */
	int64_t deleted, changed, inserted;     /* rows that were restored */
};

struct undo_rows {
	struct db *db;
	const char *run;
	struct undo_table *tables;
	size_t n;
};

/* Locks the tables against other writers. Foreign keys are then checked only at
 * the commit. */
int undo_rows_lock(const struct undo_rows *u, struct err *e);
/* Fails if a row of the table has changed since the run. */
int undo_rows_check_left(const struct undo_rows *u, const struct undo_table *t,
    struct err *e);
/* Restores the rows of all tables, which may refer to each other. */
int undo_rows_restore(const struct undo_rows *u, struct err *e);
/* Called after undo_rows_restore(). Fails if a row of the table is not as it
 * was before the run, because a trigger has changed it again. */
int undo_rows_check_restored(const struct undo_rows *u,
    const struct undo_table *t, struct err *e);

#endif
