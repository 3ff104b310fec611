/* One attempt: its row in pipeline_runs from running to its end, and the
 * pipeline between (protocol.md, order of writes).
 * Borrows: the job; the database is open only while it is used, so a server
 *        may restart while the pipeline works.
 * Gives: the exit code, and in *a how it came about. */
#ifndef RUN_ATTEMPT_H
#define RUN_ATTEMPT_H

#include "base/hash.h"
#include "base/retry.h"
#include "control/runs.h"
#include "lock.h"
#include "script.h"
#include "stderr_tail.h"

struct job {                    /* the same in all attempts */
	const char *name, *url;
	bool url_given;         /* by --db: etl-status does not know it */
	const char *env_names;  /* of --env-file, each after a blank */
	const char *on_failure; /* a command, or NULL */
	struct script script;
	struct lock lock;
	struct retry retry;
	uint64_t timeout;
	uint64_t every, jitter; /* ms, 0: once, at once */
	char host[256], traceparent[56];
	bool traced;            /* traceparent was given from outside */
	bool no_stdin;
	bool verbose;           /* -v, or a terminal */
};

struct attempt {
	int number;
	char run[UUID_TEXT];
	char retry_of[UUID_TEXT];       /* run of the one before, or "" */
	int code, signal;       /* exit code; the signal that stopped it */
	bool started;           /* it has a row, and the script has run */
	bool completed;         /* the row says so */
	int64_t ms;
	struct run_end end;
	struct buf message;     /* why, "" after a success */
	struct buf ending;      /* how a script failed whose stages have
				 * printed why themselves; else "" */
	struct tail said;       /* by the stages */
};

void attempt_init(struct attempt *a, int number);
void attempt_release(struct attempt *a);
void attempt_run(struct attempt *a, struct job *j);

#endif
