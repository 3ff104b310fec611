/* Standard input of CMD, the command that etl-via runs as a child process
 * (stream/child.h), and whether CMD has read all of it.
 * Gives: command_write() returns the number of bytes written, 0 if the pipe is
 *        full.
 * Fails: command_check() if the exit status is bad, a signal killed CMD, or CMD
 *        left input unread. */
#ifndef VIA_COMMAND_INPUT_H
#define VIA_COMMAND_INPUT_H

#include "stream/child.h"

size_t command_write(struct child *c, const char *p, size_t n);
/* Closes CMD's standard input. Keeps another descriptor, with which
 * command_check() sees how much CMD has left unread. */
int command_close_input(struct child *c, struct err *e);
/* Fails if CMD was killed by a signal, exited with a status that is not ok, or
 * has not read all of its input. Call this after child_has_ended(), or when CMD
 * is not waited for any longer. */
int command_check(struct child *c, const bool ok[256], struct err *e);

#endif
