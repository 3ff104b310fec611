/* Makes an exit code and a message from the way in which a script ended. */
#ifndef RUN_EXIT_OUTCOME_H
#define RUN_EXIT_OUTCOME_H

#include "child.h"

/* The exit code of etl-run: that of the script, except: time-out: 75; 126
 * (may not be executed): 77; 127 (no such command): 78, also if the command
 * is not the last of the pipe; killed by a signal, or the last stage was
 * (128 + n): 70 for SEGV and other signs of a bug, 74 for PIPE and XFSZ,
 * else 75. */
int outcome_code(const struct child_end *end, struct cause *c);
/* Appends the message for the run's row: why the script failed, as its stages
 * have said it; nothing after a success. */
void outcome_put_failure_message(struct buf *b, const struct child_end *end,
    uint64_t timeout, struct cause *c);
/* Appends how the script ended: its exit code, a signal or the time-out. */
void outcome_put_status(struct buf *b, const struct child_end *end,
    uint64_t timeout);

#endif
