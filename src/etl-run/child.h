/* The pipeline of one attempt: a session of its own, without a terminal: what
 * asks there fails, as under cron, and does not hang.
 * Gives: when child_run() returns 0 no process of it lives; *end says how it
 *        went. Its stderr went to ours, to the cause and to the tail.
 * Signals: TERM, INT, HUP and QUIT that come meanwhile go to all (end.signal)
 *        and, to what lives after GRACE or at the second one, KILL; so does
 *        TERM when timeout is over. TSTP and CONT are passed to the group. */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include "failure_cause.h"
#include "stderr_tail.h"

#include <stdint.h>

struct child_spec {
	const char **argv;      /* as struct script has it */
	bool no_stdin;          /* /dev/null instead of ours */
	int input;              /* this instead of ours, 0: ours */
	bool merged;            /* stdout goes where stderr goes */
	const char *name;       /* of the pipeline: tag of what it says */
	struct tail *tail;      /* the end of it; NULL: not kept */
	uint64_t timeout;       /* ms, 0: none */
	/* Called every minute, in a process of its own; NULL: nothing is. */
	void (*renew)(const void *arg);
	const void *arg;
};

struct child_end {
	int status;             /* of the script, as waitpid(2) gives it */
	int signal;             /* the one that stopped it, 0 none */
	bool late;              /* the time was over */
};

int child_run(const struct child_spec *s, struct cause *c,
    struct child_end *end, struct err *e);

#endif
