/* The process of a Singer tap, which writes messages to a pipe.
 * Owns:  the process, its process group and the file with its STATE.
 * Borrows: the command.
 * Fails: tap_start() with ERR_CONFIG if the command cannot be executed;
 *        tap_check_end() with ERR_RETRY if the exit status of the tap is 75,
 *        and with ERR_REFUSED if the tap has failed otherwise. */
#ifndef EXTRACT_SINGER_TAP_H
#define EXTRACT_SINGER_TAP_H

#include "extract.h"
#include "singer/guard.h"
#include "stream/child.h"

struct tap {
	struct child child;
	int64_t quiet_since;    /* 0, or clock_ms() since when the tap has
				 * exited and no output has followed */
	struct guard guard;
	char **argv;            /* the command with --state */
	char state_option[8];   /* "--state" */
	char state_path[32];    /* path of the file with the STATE */
};

/* Refuses options that are for other sources. n is the number of words of the
 * command. */
int tap_check(const struct extract_opts *o, size_t n, struct err *e);
/* Executes the command. If state is not NULL, appends --state FILE to the
 * command; FILE contains these bytes. */
int tap_start(struct tap *t, char *const *command, const char *state,
    size_t max_line, struct err *e);
/* Waits up to timeout_ms (-1: no limit) until the tap has written something or
 * has exited. If the tap has exited but a process that it started keeps the
 * output open, waits up to 5 seconds for more output. If there is none, prints
 * a warning and ends the output. */
int tap_wait(struct tap *t, int timeout_ms, struct err *e);
/* Call this after the end of the output. Waits until the tap exits. Fails if
 * its exit status is not 0 or a signal killed it. */
int tap_check_end(struct tap *t, struct err *e);
/* Kills the tap and its process group if they still exist. */
void tap_close(struct tap *t);

#endif
