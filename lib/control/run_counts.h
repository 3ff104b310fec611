/* The counts of a run: what its ledger rows hold, added up by stage.
 * Owns:  stages; run_counts_release() frees them.
 * Gives: stages in the order in which they first came.
 * Fails: ERR_PEER for counts that are no array of counts. */
#ifndef CONTROL_RUN_COUNTS_H
#define CONTROL_RUN_COUNTS_H

#include "base/buf.h"

#include <stdint.h>

enum run_count {
	COUNT_IN, COUNT_OUT, COUNT_DROPPED, COUNT_REJECTED, COUNT_ASIDE,
	COUNT_INSERTED, COUNT_UPDATED, COUNT_UNCHANGED, COUNT_SUPERSEDED,
	COUNT_SKIPPED, COUNT_DELETED, COUNT_N
};

struct run_stage {
	char name[64];
	bool has[COUNT_N];
	int64_t count[COUNT_N];
};

struct run_counts {
	struct run_stage *stages;
	size_t n;
	int64_t extracted;      /* of each first stage: what it took, of a
	                         * source out + rejected */
};

int run_counts_add(
    struct run_counts *t, const char *json, size_t len, struct err *e);
int64_t run_counts_sum(const struct run_counts *t, enum run_count what);
void run_counts_put(struct buf *b, const struct run_counts *t);   /* JSON */
void run_counts_release(struct run_counts *t);

#endif
