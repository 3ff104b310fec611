/* Determines the exit code and the message of a run from how its script
 * ended. */
#ifndef RUN_EXIT_OUTCOME_H
#define RUN_EXIT_OUTCOME_H

#include "child.h"

/* Returns the exit code of etl-run: that of the script, with these exceptions.
 * 70: a signal such as SEGV killed the script or its last program (128 + n);
 *     74 if this was PIPE or XFSZ, 75 if it was any other signal.
 * 75: the run was stopped by a signal or at the timeout.
 * 77: the script exited with 126, because a program may not be executed.
 * 78: the script exited with 127, because a program does not exist. Also if the
 *     missing program is not the last one of a pipe. */
int outcome_exit_code(const struct child_end *end, struct cause *c);
/* Appends the message for the run's row: the error message of the stage that
 * failed first or, if there is none, how the script ended. Appends nothing
 * after a success. */
void outcome_put_message(struct buf *b, const struct child_end *end,
    uint64_t timeout, struct cause *c);
/* Appends how the script ended: its exit code, a signal or the timeout. */
void outcome_put_status(struct buf *b, const struct child_end *end,
    uint64_t timeout);

#endif
