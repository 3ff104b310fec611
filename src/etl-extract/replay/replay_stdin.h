/* Finds out whether standard input is a replay: a stream that starts with the
 * mark begin of etl-dlq replay, or its mark failed. The first line is only
 * looked at: the bytes stay in standard input, for the source or the stage that
 * reads it.
 * Gives: 1 if it is, 0 if not, also if it is a terminal.
 * Fails: -1 if memory or descriptors are out. */
#ifndef EXTRACT_REPLAY_STDIN_H
#define EXTRACT_REPLAY_STDIN_H

#include "base/errval.h"

int replay_is_on_stdin(struct err *e);

#endif
