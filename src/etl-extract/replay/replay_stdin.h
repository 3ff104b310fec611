/* Finds out whether standard input is a replay: a stream that starts with the
 * mark begin of etl-dlq replay. The first line is only looked at: the bytes
 * stay in standard input, for the source or the stage that reads it.
 * Gives: false also if standard input is a terminal or cannot be looked at. */
#ifndef EXTRACT_REPLAY_STDIN_H
#define EXTRACT_REPLAY_STDIN_H

#include <stdbool.h>

bool replay_is_on_stdin(void);

#endif
