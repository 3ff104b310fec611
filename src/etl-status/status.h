/* The context of the reports: options, database, output. Each report is one
 * function; it prints to out, and returns -1 with *e if it fails.
 * Borrows: everything until the report returns. */
#ifndef STATUS_STATUS_H
#define STATUS_STATUS_H

#include "base/buf.h"
#include "control/run_counts.h"
#include "db/db.h"
#include "stream/line_writer.h"

struct status_opts {
	const char *db, *control_schema, *run, *pipeline;
	uint64_t limit;         /* 0: not given */
	bool json, failed;
};

struct status {
	const struct status_opts *opts;
	struct db *db;
	struct out *out;
};

int print_run_report(struct status *s, struct err *e);

/* Sets *id to the number of the last run that --pipeline and --failed select.
 * Fails with ERR_LIMIT if there is none. */
int find_last_run(struct status *s, int64_t *id, struct err *e);

/* Prints the lines of a text, with control characters escaped. */
int status_print(struct status *s, struct buf *text, struct err *e);
/* Appends a member to a JSON object. The text comes from the database; bytes
 * that are not UTF-8, which SQLite allows, become "?". */
void status_put_text(struct buf *b, const char *name, const char *s, size_t n);

/* The report on one run: its row, stages and loads, the codes of its rejects,
 * and the counts that do not add up.
 * Owns:  everything; run_report_release() frees it. */

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
