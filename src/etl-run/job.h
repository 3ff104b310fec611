/* A job: its lock, its attempts with the waits between, its schedule.
 * Prints one line an attempt that failed, and with verbose one for each. */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include "attempt.h"

/* Gives the exit code of the last attempt; *sig the signal that ended it. */
int job_run(struct job *j, int *sig);
/* At start, start + every, ...: never late by what a run took, never two at
 * once; until a signal comes. */
int job_repeat(struct job *j, uint64_t every, int *sig);

#endif
