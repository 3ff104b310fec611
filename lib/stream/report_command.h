/* Describes the command of this process in a report to etl-run. So etl-run
 * recognizes that a script has run the same pipeline again.
 * Members: command  hash of the arguments, the environment and the folder
 *          files    hash of the files that the command reads, if any
 *          pipe     true: standard input is a pipe
 *          in, out  names of the pipes: a pipe has one name in all processes */
#ifndef STREAM_REPORT_COMMAND_H
#define STREAM_REPORT_COMMAND_H

#include "base/buf.h"

/* Appends the members to the report b, without "command" if its hash cannot be
 * computed. is_source is true for a program that reads standard input only if
 * it has the argument "-". */
void report_put_command(struct buf *b, bool is_source);

#endif
