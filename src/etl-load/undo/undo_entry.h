/* What the control table etl_before_runs says about a run that is undone, and
 * the tables that the run has loaded.
 * Owns:  the texts and tables; undo_entry_release() frees them.
 * Fails: ERR_LIMIT if there is no such run or it was undone before, ERR_USAGE
 *        if the name fits several runs, ERR_DATA if a table was altered, or was
 *        loaded without images. */
#ifndef LOAD_UNDO_ENTRY_H
#define LOAD_UNDO_ENTRY_H

#include "undo/undo_rows.h"

/* A stream that the run has loaded: a row of etl_before_runs. */
struct loaded {
	char *stream, *checkpoint, *value;
	const char *target;     /* borrowed from its table */
	int64_t number, version;
	bool whole;
};

struct undo_entry {
	char *run;
	struct loaded *streams;         /* in the order of their first batch */
	size_t n;
	struct undo_table *tables;
	size_t ntables;
};

/* Finds the run that `name` means: its id, its number or the start of its id.
 * Reads its tables: all of them, or only `table` if that is not NULL. */
int undo_entry_find(struct undo_entry *n, struct db *db, const char *name,
    const char *table, struct err *e);
/* Reads the streams of all tables, and sorts the tables: the one that was
 * loaded last comes first. Locks the rows in etl_before_runs until the
 * transaction ends. */
int undo_entry_read(struct undo_entry *n, struct db *db, struct err *e);
void undo_entry_release(struct undo_entry *n);

#endif
