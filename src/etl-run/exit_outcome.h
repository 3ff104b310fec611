/* From how a script ended to an exit code and a message. */
#ifndef RUN_EXIT_OUTCOME_H
#define RUN_EXIT_OUTCOME_H

#include "child.h"

/* The script's own code, but: a time-out 75; 126 and 127 (no such command) 77
 * and 78, the second also in the middle of a pipe; death of a signal, also of
 * the last stage (128 + n), 75, or 70 for what only a bug brings (SEGV), 74
 * for a reader that has gone. */
int outcome_code(const struct child_end *end, struct cause *c);
/* Appends the message for the run's row: why the script failed, as its stages
 * have said it; nothing after a success. */
void outcome_put(struct buf *b, const struct child_end *end,
    uint64_t timeout, struct cause *c);
/* Appends how the script ended: its exit code, a signal or the time-out. */
void outcome_put_status(struct buf *b, const struct child_end *end,
    uint64_t timeout);

#endif
