/* CMD: a process in a group of its own, with a pipe to its standard input and
 * one from its standard output; descriptor 3 is closed in it.
 * Owns:  the process, the pipes, the reader of its lines.
 * Gives: child_write() the bytes taken, 0 where the pipe is full; child_look()
 *        true once it has ended and all of its output was read.
 * Fails: child_judge() with what ended wrong: status, signal, input unread. */
#ifndef VIA_CHILD_H
#define VIA_CHILD_H

#include "stream/lines.h"

#include <sys/types.h>

struct child {
	const char *name;
	pid_t pid;              /* 0: none runs */
	int pidfd, in, out;     /* -1: closed */
	int rest;               /* the pipe to it, from in's close on */
	struct lines *lines;    /* of out */
	bool closed;            /* its standard input, before all was read */
	bool ended;
	int status, signal;     /* signal 0: none */
};

void child_init(struct child *c);
int child_start(struct child *c, char *argv[], size_t max_line,
    struct err *e);
size_t child_write(struct child *c, const char *p, size_t n);
int child_close_in(struct child *c, struct err *e);     /* nothing follows */
void child_close_out(struct child *c);
bool child_look(struct child *c);
int child_judge(struct child *c, const bool ok[256], struct err *e);
void child_release(struct child *c);    /* of one that has ended, or none */
void child_stop(struct child *c);       /* ends its group first */

#endif
