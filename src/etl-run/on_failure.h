/* --on-failure: executes a command with the row of the failed run, as JSON, on
 * its standard input. The run has ended and the lock is released.
 * Gives: *sig is the signal that came in the meantime and was sent to the
 *        command, or 0.
 * Fails: prints a warning. The command may take 30 seconds. */
#ifndef RUN_ON_FAILURE_H
#define RUN_ON_FAILURE_H

#include "attempt.h"

void run_on_failure_command(struct attempt *a, const struct job *j, int *sig);

#endif
