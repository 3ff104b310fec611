/* The process of a Singer tap, which writes messages to a pipe.
 * Owns:  the process, its process group and the file with its STATE.
 * Borrows: the command.
 * Fails: tap_start() with ERR_CONFIG if the command cannot be run;
 *        tap_check_end() with ERR_REFUSED if the tap has failed, or with
 *        ERR_RETRY if its exit status is 75. */
#ifndef EXTRACT_SINGER_TAP_H
#define EXTRACT_SINGER_TAP_H

#include "extract.h"
#include "singer/guard.h"
#include "stream/child.h"

struct tap {
	struct child child;
	int64_t quiet_since;    /* clock_ms(): the tap has exited, and nothing
				 * was written since then; 0: else */
	struct guard guard;
	char **argv;            /* the command with --state */
	char state_option[8];   /* "--state" */
	char state_path[32];    /* of its file */
};

/* Refuses the options that are for other sources. N is the number of words of
 * the command. */
int tap_check_options(const struct extract_opts *o, size_t n, struct err *e);
/* Runs the command. If state is not NULL, appends --state FILE to it, where
 * FILE has these bytes. */
int tap_start(struct tap *t, char *const *command, const char *state,
    size_t max_line, struct err *e);
/* Waits until the tap has written something or has exited, for at most
 * timeout_ms (-1: no limit). If the tap has exited and a process that it has
 * started keeps the output open, waits some seconds for more output. After them
 * it prints a warning, and the output then ends. */
int tap_wait(struct tap *t, int timeout_ms, struct err *e);
/* After the end of its output: waits until the tap exits, and checks how it has
 * ended. */
int tap_check_end(struct tap *t, struct err *e);
/* Ends the tap if it still runs. */
void tap_close(struct tap *t);

#endif
