/* What a filter prints to standard error, with jq's debug and stderr.
 * Gives: on a terminal, control characters are written as \u00XX, so that a
 *        record cannot give the terminal commands. Line feeds stay.
 * Fails: a failed write is not reported. */
#ifndef TRANSFORM_FILTER_STDERR_H
#define TRANSFORM_FILTER_STDERR_H

#include "base/buf.h"

/* Also what libjq itself writes to `stderr` is escaped then. */
int stderr_escape_if_terminal(struct err *e);
void stderr_print_and_release(struct buf *b);

#endif
