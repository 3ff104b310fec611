/* A job: its lock, its attempts with the waits between, its schedule.
 * Prints one line an attempt that failed, and with verbose one for each. */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include "attempt.h"

/* Once, or at every slot of the schedule until a signal comes: never late by
 * what a run took, never two at once. Gives the exit code of the last attempt,
 * and in *sig the signal that ended it. */
int job_work(struct job *j, int *sig);

#endif
