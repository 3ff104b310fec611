/* The process that executes CMD. It has a process group of its own, pipes to
 * its standard input and from its standard output, and no file descriptor 3.
 * Owns:  the process, the pipes, the reader of the output lines.
 * Gives: child_write_or_note_closed() the number of bytes written, 0 if the
 *        pipe is full; child_has_ended() true if CMD has exited and its output
 *        was read.
 * Fails: child_check_end(): bad exit status, a signal, or input not read. */
#ifndef VIA_CHILD_H
#define VIA_CHILD_H

#include "stream/lines.h"

#include <sys/types.h>

struct child {
	const char *name;
	pid_t pid;              /* 0: no process was started */
	int pidfd;              /* -1: closed; the same for in and out */
	int in, out;            /* pipe to its stdin, pipe from its stdout */
	int unread;             /* once in is closed: our read end of the same
				 * pipe, to see what CMD has not read */
	struct lines *lines;    /* the lines of out */
	bool has_closed_stdin;  /* a write has failed: CMD has closed its stdin
				 * or has exited, and input is left */
	bool has_exited;
	int status, signal;     /* how CMD ended; signal 0: it exited */
};

void child_init(struct child *c);
int child_start(struct child *c, char *argv[], size_t max_line,
    struct err *e);
size_t child_write_or_note_closed(struct child *c, const char *p, size_t n);
int child_close_in_keep_unread(
    struct child *c, struct err *e); /* end of input */
void child_close_out(struct child *c);
bool child_has_ended(struct child *c);
/* Fails if CMD was killed by a signal, exited with a status that is not ok, or
 * has not read all of its input. Call this after child_has_ended(), or when CMD
 * is not waited for any longer. */
int child_check_end(struct child *c, const bool ok[256], struct err *e);
void child_wait_and_close(struct child *c);    /* waits for CMD to exit */
void child_stop(struct child *c);       /* kills CMD's process group first */

#endif
