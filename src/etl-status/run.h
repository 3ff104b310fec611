/* The report on one run: its row, stages and loads, the codes of its rejects,
 * and the counts that do not add up.
 * Owns:  everything; run_report_release() frees it. */
#ifndef STATUS_RUN_H
#define STATUS_RUN_H

#include "base/buf.h"
#include "control/run_counts.h"
#include "db/db.h"

enum run_text {                 /* in the order of the statement status_run */
	TEXT_RUN, TEXT_PIPELINE, TEXT_STATUS, TEXT_RETRY_OF, TEXT_HOST,
	TEXT_STARTED, TEXT_COMPLETED, TEXT_RENEWED, TEXT_MESSAGE,
	TEXT_TRACEPARENT, TEXT_LOG, TEXT_STAGES, TEXT_N
};
enum run_number {
	NUMBER_ID, NUMBER_ATTEMPT, NUMBER_DURATION, NUMBER_EXTRACTED,
	NUMBER_LOADED, NUMBER_UNCHANGED, NUMBER_DROPPED, NUMBER_REJECTED,
	NUMBER_ERRORS, NUMBER_N
};

struct run_load {
	char *target, *stream;
	int64_t batches, seq, version;
	bool ended, taken;
	struct run_counts counts;
};

struct run_code {
	char *stage, *code;
	int64_t count;
};

struct run_report {
	char *text[TEXT_N];     /* NULL: none */
	int64_t number[NUMBER_N];
	struct run_counts stages;
	bool so_far;            /* the run has not ended: `stages` has the sums
				 * of its loads */
	struct run_load *loads;
	size_t nloads;
	struct run_code *codes;
	size_t ncodes;
	struct buf problems;    /* each ends with a newline */
};

/* Returns how many dead letters of this stage the run has stored. */
int64_t count_stored_letters(const struct run_report *h,
    const struct run_stage *s);

void run_report_put_text(struct buf *b, const struct run_report *h);
void run_report_put_json(struct buf *b, const struct run_report *h);

#endif
