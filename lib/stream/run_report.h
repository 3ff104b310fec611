/* Reports to etl-run how the streams of this program begin and end. Each report
 * is a JSON line in the file that ETL_REPORTS names. Without this variable the
 * functions do nothing.
 * Flow:  open; then for each stream of the input begin, and end or failed. If
 *        neither follows a begin, the program was killed.
 * Fails: ERR_IO if a report cannot be written. If the file cannot be opened, a
 *        warning is printed, and the program goes on without reports. */
#ifndef STREAM_RUN_REPORT_H
#define STREAM_RUN_REPORT_H

#include "base/hash.h"
#include "stream/mark.h"

struct run_report {
	const char *file;               /* the file for the reports; NULL: the
	                                 * one that ETL_REPORTS names */
	char process[UUID_TEXT];        /* "" before the first report */
	unsigned streams;               /* streams that have begun, and the one
	                                 * that `opened` expects */
	bool opened;                    /* run_report_open() was called,
	                                 * but no stream has begun since */
	bool begun;                     /* the last stream that has begun has
	                                 * not ended */
	bool has_output;                /* as in run_report_input */
	bool failed;                    /* a failure was reported */
	uint64_t rejects;               /* reject lines that this program has
	                                 * sent on in the stream */
};

struct run_report_input {
	const char *stage;              /* the name of this stage */
	bool is_source;                 /* it reads standard input only if it
	                                 * has the argument "-" */
	bool has_output;                /* it writes the stream: false for a
	                                 * loader */
	bool is_run;                    /* it is no stage but an etl-run inside
	                                 * the run: stage is its name */
};

struct run_report_load {
	const char *id, *target;        /* key of its row in the ledger */
	bool appends;                   /* the load appends rows without a
	                                 * checkpoint: a repetition would add
	                                 * them again */
};

/* Reports that this program is going to read a stream. A source does not call
 * it. */
int run_report_open(struct run_report *r, const struct run_report_input *in,
    struct err *e);
/* Reports that a stream begins, after the end of the stream before. */
int run_report_begin(struct run_report *r, const struct mark *begin,
    const struct run_report_input *in, struct err *e);
int run_report_load(struct run_report *r, const struct run_report_load *load,
    struct err *e);
/* Call this when the whole output was written. Reports the end of the stream;
 * or a failure, if the reader of the output has exited before it had read
 * everything. run_report_begin() calls this for the stream before. */
int run_report_end(struct run_report *r, struct err *e);
/* Reports a failure. maybe_loaded is true if a COMMIT was sent whose answer was
 * lost. */
void run_report_fail(struct run_report *r, const char *stage,
    const struct err *why, bool maybe_loaded);

/* For an etl-run inside a run. The first function reports that it starts; the
 * second one how it has ended: why->code is 0 after a success. appended is true
 * if it has appended rows without a checkpoint. Without the first call, the
 * second one does nothing. */
int run_report_run(struct run_report *r, const char *name, struct err *e);
void run_report_run_end(struct run_report *r, const struct err *why,
    bool appended);

/* For etl-dlq put, which reads streams but is not a stage of them. For each
 * stream, the first function appends a report to `lines`. The second function
 * writes these reports; call it when all reject lines are stored as dead
 * letters. */
struct run_report_stored {
	const char *id;                 /* of the mark begin */
	const struct mark *end;
	uint64_t rejects;               /* reject lines in the stream */
};
int run_report_add_stored(struct buf *lines, struct run_report *r,
    const struct run_report_stored *stored, struct err *e);
int run_report_write_stored(const struct buf *lines, struct err *e);

#endif
