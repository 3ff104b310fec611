/* Finds out whether standard input is a replay: a stream that starts with the
 * mark begin of etl-dlq replay, or with the mark failed. The first line stays
 * in standard input, for the source or the stage that reads it.
 * Gives: 1 if it is a replay, else 0. A terminal is never a replay.
 * Fails: -1 if memory or descriptors are out. */
#ifndef EXTRACT_RUN_REPLAY_H
#define EXTRACT_RUN_REPLAY_H

#include "base/errval.h"

int replay_is_on_stdin(struct err *e);

#endif
