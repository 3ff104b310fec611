/* Describes the command of this process in a report to etl-run, so that etl-run
 * recognizes a pipeline that a script repeats.
 * Members: command  hash of the arguments, the environment and the working
 *                   directory
 *          files    hash of the files that are read; none: member is missing
 *          pipe     true: standard input is a pipe
 *          in, out  names of the pipes: a pipe has one name in all processes */
#ifndef STREAM_REPORT_COMMAND_H
#define STREAM_REPORT_COMMAND_H

#include "base/buf.h"

/* is_source: the program reads standard input only if it has the argument "-".
 * Writes no member "command" if no hash can be made. */
void report_command_put(struct buf *b, bool is_source);

#endif
