/* What the control table etl_before_runs says about a run that is undone.
 * Owns:  the texts; undo_entry_release() frees them.
 * Fails: ERR_LIMIT if there is no such run or it was undone before, ERR_USAGE
 *        if the name fits several runs, ERR_DATA if the table was altered. */
#ifndef LOAD_UNDO_ENTRY_H
#define LOAD_UNDO_ENTRY_H

#include "db/table.h"

/* A stream that the run has loaded: a row of etl_before_runs. */
struct loaded {
	char *stream, *checkpoint, *value;
	int64_t version;
	bool whole;
};

struct undo_entry {
	char *run;
	struct loaded *streams;
	size_t n;
	size_t *key, nkey;      /* the columns of the keys of images */
};

/* Finds the run whose id is `name` or, if there is none, the only run whose id
 * starts with it. Locks its rows in etl_before_runs until the transaction
 * ends. */
int undo_entry_read(struct undo_entry *n, struct db *db, const struct table *t,
    const char *name, struct err *e);
void undo_entry_release(struct undo_entry *n);

#endif
