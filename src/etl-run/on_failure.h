/* --on-failure: a command that gets the row of a run that failed, as JSON, on
 * its standard input. It is no stage: the lock is free, the run is over.
 * Gives: *sig the signal that came meanwhile, which went to the command.
 * Fails: with a warning and no more; it has half a minute. */
#ifndef RUN_ON_FAILURE_H
#define RUN_ON_FAILURE_H

#include "attempt.h"

void notify(struct attempt *a, const struct job *j, int *sig);

#endif
