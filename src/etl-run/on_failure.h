/* --on-failure: executes a command with the row of the failed run as JSON on
 * its standard input. It does so after the run has ended and the lock was
 * released. The command may take up to 30 seconds.
 * Gives: *sig is the signal that was received in the meantime and sent to the
 *        command, or 0.
 * Fails: prints a warning. */
#ifndef RUN_ON_FAILURE_H
#define RUN_ON_FAILURE_H

#include "attempt.h"

void on_failure_run(struct attempt *a, const struct job *j, int *sig);

#endif
