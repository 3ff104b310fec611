/* Compares the rows of a run with their images, and restores them from the
 * images.
 * Borrows: everything in struct undo_rows. The caller has begun a transaction.
 * Fails: ERR_DATA if a row is not as its image says; the message names rows. */
#ifndef LOAD_UNDO_ROWS_H
#define LOAD_UNDO_ROWS_H

#include "db/table.h"

struct undo_rows {
	struct db *db;
	const struct table *table;
	const size_t *key;      /* the columns of the keys of images */
	size_t nkey;
	const char *run;
};

struct undo_counts {
	int64_t deleted, changed, inserted;
};

int undo_rows_lock_table(const struct undo_rows *u, struct err *e);
/* Fails if a row has changed since the run. */
int undo_rows_check_left(const struct undo_rows *u, struct err *e);
int undo_rows_restore(
    const struct undo_rows *u, struct undo_counts *n, struct err *e);
/* Called after undo_rows_restore(). Fails if a row is not as it was before the
 * run, because a trigger has changed it again. */
int undo_rows_check_restored(const struct undo_rows *u, struct err *e);

#endif
