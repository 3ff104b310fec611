/* Executes a pipeline under its lock, with its retries and its schedule. Prints
 * a line for each attempt that failed or, if verbose, for every attempt. */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include "attempt.h"

/* Runs the pipeline once or, with --every, at each start time until a stop
 * signal is received. Two runs never overlap. Returns the exit code of the last
 * attempt, and sets *sig to the signal that stopped it, or to 0. */
int job_run(struct job *j, int *sig);

/* --dry-run: prints on stdout what etl-run would execute. Opens no database,
 * creates no file, takes no lock, and prints no values of variables and no
 * passwords.
 * Gives: the exit code. */

int dry_run_print(const struct job *j);

#endif
