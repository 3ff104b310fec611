/* Makes one attempt: writes its row in pipeline_runs (running), executes the
 * pipeline, and writes the outcome to the row (protocol.md, order of writes).
 * Borrows: the job. The database is open only while it is used, so a server may
 *          restart while the pipeline is running.
 * Gives: in *a the exit code and the reason for it. */
#ifndef RUN_ATTEMPT_H
#define RUN_ATTEMPT_H

#include "base/hash.h"
#include "base/retry.h"
#include "control/runs.h"
#include "lock.h"
#include "script.h"
#include "stderr.h"
#include "stream/run_report.h"
#include "streams.h"

struct job {                    /* the same in all attempts */
	const char *name, *url;
	const char *schema;     /* from --control-schema or --env-file, or
				 * NULL */
	bool url_given;         /* the URL comes from --db, not from the
				 * environment */
	const char *env_names;  /* names set by --env-file, a blank before
	                         * each */
	const char *on_failure; /* the command of --on-failure, or NULL */
	struct script script;
	struct lock lock;
	struct retry retry;
	uint64_t timeout;       /* ms, 0: none */
	uint64_t every, jitter; /* ms; every 0: one run only */
	char host[256], traceparent[56];
	bool traced;            /* TRACEPARENT was set by the caller */
	bool no_stdin;          /* the pipeline reads from /dev/null */
	bool tolerates;         /* --tolerate: streams may fail */
	bool verbose;           /* -v was given, or stderr is a terminal */
	struct run_report report;       /* to an etl-run around this one */
	bool appended;          /* an attempt has appended rows without a
				 * checkpoint */
	bool moved;             /* --moved: the last run may have had another
				 * script */
};

struct attempt {
	int number;
	char run[UUID_TEXT];
	char retry_of[UUID_TEXT];       /* the run of the last attempt, or "" */
	int code, signal;       /* exit code; the signal that stopped it, or
	                         * 0 */
	bool held;              /* another run of the pipeline is alive */
	bool started;           /* the row exists, and the script was
				 * executed */
	bool completed;         /* the outcome was written to the row */
	int64_t ms;             /* duration of the script */
	bool script_exited_75;
	bool append_ended;      /* an append is complete, and another attempt
				 * would append its rows again: the exit code is
				 * 74, not 75 */
	struct run_end end;
	struct reports reports; /* what the stages have reported */
	struct buf failed;      /* the streams that failed */
	struct buf message;     /* why it failed; "" after a success */
	struct buf ending;      /* how the script ended; "" if `message` is of
				 * etl-run itself */
	struct tail said;       /* the end of the pipeline's stderr */
};

void attempt_init(struct attempt *a, int number);
void attempt_release(struct attempt *a);
void attempt_run(struct attempt *a, struct job *j);

#endif
