/* Executes a pipeline in its own session, without a terminal: a program that
 * asks the terminal a question fails, as under cron, and does not hang.
 * Gives: 0 after all processes of the pipeline have exited, with the result in
 *        *end. Their stderr was copied to etl-run's, to *c and to the tail.
 * Signals: TERM, INT, HUP and QUIT are sent to all processes, and KILL 5 s
 *          later or at a second signal. At the timeout TERM is sent. TSTP and
 *          CONT are sent to the script's process group. */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include "stderr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child_spec {
	const char **argv;      /* as in struct script */
	bool no_stdin;          /* its stdin is /dev/null */
	int input;              /* descriptor of its stdin; 0: that of
				 * etl-run */
	bool merged;            /* its stdout goes to its stderr */
	const char *name;       /* name of the pipeline, for its messages */
	struct tail *tail;      /* gets the end of its stderr, or NULL */
	uint64_t timeout;       /* ms, 0: none */
	/* Called every minute in a separate process. NULL: not called. */
	void (*renew)(const void *arg);
	const void *arg;
};

struct child_end {
	int status;             /* of the script, from waitpid(2) */
	int signal;             /* the signal that stopped it, or 0 */
	bool late;              /* it was stopped at the timeout */
};

int child_run(const struct child_spec *s, struct cause *c,
    struct child_end *end, struct err *e);

/* Finds processes that the script has started and that have left its process
 * group, for example with timeout(1), setsid(1) or job control: all in the
 * script's session and, while the script is running, all its descendants.
 * Owns:  a pidfd of each process found, so that a signal cannot reach another
 *        process that has got its number. family_release() closes them.
 * Fails: never; without /proc it finds none. */

struct relative;

struct family {
	pid_t leader;           /* the script: its group and its session */
	struct relative *found;
	size_t n;
};

/* Looks for any process of this process id namespace. *since is its start time
 * in clock ticks since the boot. HIDDEN: it exists, but /proc does not show
 * it (the option hidepid), so *since is not known. */
enum process_state { PROCESS_ENDED, PROCESS_RUNNING, PROCESS_HIDDEN };
enum process_state process_find(pid_t pid, unsigned long long *since);

#endif
