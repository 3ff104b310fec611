/* The rows of a run that is undone: they are compared with its images, and get
 * their images back.
 * Borrows: everything in struct undo_rows. The caller has begun a transaction.
 * Fails: ERR_DATA if a row is not as it should be; the message names rows. */
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
/* Fails if a row is no longer as the run has left it. */
int undo_rows_check_left(const struct undo_rows *u, struct err *e);
int undo_rows_restore(
    const struct undo_rows *u, struct undo_counts *n, struct err *e);
/* Fails if a row is not as it was before the run: a trigger has changed it. */
int undo_rows_check_restored(const struct undo_rows *u, struct err *e);

#endif
