/* The options of etl-load as the user gave them, and the counts of records.
 * Borrows: the texts of the options, until the program ends. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "base/opt.h"
#include "base/stdfd.h"

#include <stdint.h>

enum { CONNECTIONS_MAX = 16, LOAD_OPTIONS_MAX = 96 };
#define BATCH_NOT_GIVEN UINT64_MAX

struct load_opts {
	const char *db, *control_schema, *table, *key, *mode, *ddl, *compare,
	    *touch, *seen, *scope, *replace_by, *soft_delete,
	    *max_deletes, *synchronous, *newer_by, *as_of, *valid_from,
	    *valid_to, *current, *missing, *undo, *table_from,
	    *emit;
	struct opt_list scope_values, expect, map, tables, nested;
	struct opt_list nested_at;      /* of the options of one table: the
	                                 * pointers of --nested in its
	                                 * records */
	const char *columns, *extra, *bytes;
	const char *duplicates, *rejects, *max_rejects, *backoff;
	uint64_t batch, flush, max_record, retries, connections;
	uint64_t keep_runs;
	uint64_t lock_timeout, statement_timeout;       /* 0: not given */
	bool plain, marked, single, verbose, again, no_checkpoint, lossy,
	    complete,
	    allow_empty, delete_despite_rejects, empty_as_null, strict,
	    create, plan, evolve, keep_before, with_checkpoint, replay_over;
	/* By place in the table of options: it is on the command line. */
	bool is_given[LOAD_OPTIONS_MAX];
};

/* How many records were read, and how many had each outcome. */
struct sums {
	uint64_t in, inserted, updated, unchanged, superseded, skipped,
	    deleted, missed, rejected;
	uint64_t removed;       /* rows that the mode has deleted or marked as
	                         * deleted, such as all old rows in --mode
	                         * replace: a number of rows, not of records */
};

int load_run(const struct load_opts *o, const struct stdfd *fds,
    struct err *e);

#endif
