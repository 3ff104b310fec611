/* All that is stored of one run: its row, its stages, its loads, the codes of
 * its rejects, and what does not add up in them.
 * Owns:  everything; history_release() frees it. */
#ifndef STATUS_RUN_H
#define STATUS_RUN_H

#include "base/buf.h"
#include "control/run_counts.h"
#include "db/db.h"

enum run_text {                 /* as sql/DB/status_run.sql has them */
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

struct history {
	char *text[TEXT_N];     /* NULL: none */
	int64_t number[NUMBER_N];
	struct run_counts stages;
	bool so_far;            /* not yet in the row: what its loads say */
	struct run_load *loads;
	size_t nloads;
	struct run_code *codes;
	size_t ncodes;
	struct buf problems;    /* each ends with a newline */
};

/* NUMBER: the number of the run's row. ERR_LIMIT if there is no such row. */
int history_read(struct history *h, struct db *db, int64_t number,
    struct err *e);
void history_release(struct history *h);

/* What does not add up, and where, into problems. */
void history_check(struct history *h);
/* Rejects of a stage that are dead letters, by this run. */
int64_t history_letters(const struct history *h,
    const struct run_stage *s);

void history_text(struct buf *b, const struct history *h);
void history_json(struct buf *b, const struct history *h);

#endif
