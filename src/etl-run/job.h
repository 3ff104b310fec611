/* Executes a pipeline under its lock, with its retries and its schedule.
 * Prints a line for each attempt that failed; if verbose, for each attempt. */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include "attempt.h"

/* Runs once or, with --every, at each start time until a signal comes; never
 * two runs at once. Returns the exit code of the last attempt, and sets *sig
 * to the signal that stopped it, or 0. */
int job_run(struct job *j, int *sig);

#endif
