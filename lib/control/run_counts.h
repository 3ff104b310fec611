/* The counts of a run: the counts of its ledger rows (table etl_loads), added
 * up by stage.
 * Owns:  stages; run_counts_release() frees them.
 * Gives: the stages in the order in which they were first added.
 * Fails: ERR_PEER if the JSON text is not an array of counts. */
#ifndef CONTROL_RUN_COUNTS_H
#define CONTROL_RUN_COUNTS_H

#include "base/buf.h"

#include <stdint.h>

enum run_count {
	COUNT_IN, COUNT_OUT, COUNT_DROPPED, COUNT_REJECTED, COUNT_ASIDE,
	COUNT_INSERTED, COUNT_UPDATED, COUNT_UNCHANGED, COUNT_SUPERSEDED,
	COUNT_SKIPPED, COUNT_DELETED, COUNT_MISSED, COUNT_REMOVED, COUNT_N
};

struct run_stage {
	char name[64];
	bool has[COUNT_N];
	int64_t count[COUNT_N];
};

struct run_counts {
	struct run_stage *stages;
	size_t n;
	int64_t extracted; /* records that entered the run. For each ledger row:
	                    * the records that its first stage has read, or, if
	                    * it reads none (etl-extract), has written and
	                    * rejected */
};

int run_counts_add_json(
    struct run_counts *t, const char *json, size_t len, struct err *e);
int64_t run_counts_sum(const struct run_counts *t, enum run_count what);
void run_counts_put_json(struct buf *b, const struct run_counts *t);
void run_counts_release(struct run_counts *t);

#endif
