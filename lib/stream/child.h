/* A command that is run as a child process, with a pipe from its standard
 * output. The command and the processes that it starts are in a process group
 * of their own.
 * Owns:  the process, the pipes, the reader of the output lines.
 * Gives: child_has_ended() true if the command has exited and its output was
 *        read.
 * Fails: child_start() with ERR_CONFIG if the command cannot be run. */
#ifndef STREAM_CHILD_H
#define STREAM_CHILD_H

#include "stream/lines.h"

#include <sys/types.h>

struct child_conf {
	char *const *argv;      /* the command, NULL at the end */
	size_t max_line;        /* the longest line of its output: see
	                         * lines_open() */
	bool has_input;         /* a pipe is its standard input; else it is
				 * /dev/null */
	pid_t group;            /* the process group that it joins; 0: a new
				 * one */
	int keeps_fd;           /* a descriptor that it inherits under the same
				 * number; 0: none besides 0, 1 and 2 */
};

struct child {
	const char *name;
	pid_t pid;              /* 0: no process was started */
	pid_t group;            /* its process group */
	int pidfd;              /* -1: closed; the same for in and out */
	int in, out;            /* pipe to its stdin, pipe from its stdout */
	int unread;             /* a second descriptor for the read end of its
	                         * input pipe. When `in` is closed, it shows
	                         * what the command has not read */
	struct lines *lines;    /* the lines of out */
	bool has_closed_stdin;  /* a write has failed, so the command has closed
	                         * its stdin or has exited, although input is
	                         * left */
	bool has_exited;
	int status, signal;     /* how it ended; signal 0: it exited */
};

void child_init(struct child *c);
int child_start(struct child *c, const struct child_conf *conf, struct err *e);
void child_close_fd(int *fd);           /* sets *fd to -1 */
bool child_has_ended(struct child *c);
void child_close(struct child *c);     /* waits for it to exit */
void child_kill(struct child *c);    /* kills its group */

#endif
