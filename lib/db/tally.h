/* The counts of a run: what its ledger rows hold, added up by stage.
 * Owns:  stages; tally_release() frees them.
 * Gives: stages in the order in which they first came.
 * Fails: ERR_PEER for counts that are no array of counts. */
#ifndef DB_TALLY_H
#define DB_TALLY_H

#include "base/buf.h"

#include <stdint.h>

enum tally_count {
	TALLY_IN, TALLY_OUT, TALLY_DROPPED, TALLY_REJECTED, TALLY_ASIDE,
	TALLY_INSERTED, TALLY_UPDATED, TALLY_UNCHANGED, TALLY_SUPERSEDED,
	TALLY_SKIPPED, TALLY_DELETED, TALLY_N
};

struct tally_stage {
	char name[64];
	bool has[TALLY_N];
	int64_t count[TALLY_N];
};

struct tally {
	struct tally_stage *stages;
	size_t n;
	int64_t extracted;      /* of each first stage: what it took, of a
	                         * source out + rejected */
};

int tally_add(struct tally *t, const char *json, size_t len, struct err *e);
int64_t tally_sum(const struct tally *t, enum tally_count what);
void tally_put(struct buf *b, const struct tally *t);   /* JSON */
void tally_release(struct tally *t);

#endif
