/* Prints the values that a filter passes to jq's functions debug and stderr.
 * Gives: on a terminal, control characters are written as \u00XX, so that a
 *        record cannot control the terminal. Line feeds stay as they are.
 * Fails: a failed write is not reported. */
#ifndef TRANSFORM_FILTER_STDERR_H
#define TRANSFORM_FILTER_STDERR_H

#include "base/buf.h"

/* If standard error is a terminal, replaces the stream stderr by one that
 * escapes control characters, also in text that libjq prints itself. */
int stderr_escape(struct err *e);
/* Prints the buffer to standard error and releases it. */
void stderr_print(struct buf *b);

#endif
