/* Child processes that make records ahead of this process (--jobs). A child
 * writes complete lines into memory that both processes share. If it meets
 * anything else, such as a reject, it stops; this process then does the rest
 * itself. So a child saves time and never decides anything.
 * Owns:  the children and the memory. A pool that is NULL starts no children.
 * Fails: ahead_open(). A child that cannot be started, or ends early, is no
 *        failure. */
#ifndef EXTRACT_AHEAD_H
#define EXTRACT_AHEAD_H

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>

enum {
	AHEAD_INPUT = 1 << 20,  /* bytes of a part of a file */
	AHEAD_FILE = 2 << 20,   /* a file that is read as a whole is smaller */
	AHEAD_OUTPUT = 4 << 20, /* most bytes that a child makes of it */
	AHEAD_JOBS_MAX = 256
};

struct ahead_output {
	bool is_done;           /* the members below are valid */
	uint64_t begin, end;    /* the bytes of the file that became lines */
	uint64_t input_lines;
	uint64_t records;       /* so many lines are in data */
	size_t len;
	char data[];
};

/* What a child shall read: a part of a file, or a file of a list. */
struct ahead_task {
	uint64_t from, to;
	bool is_exact;          /* a record starts at from */
};

/* Runs in a child, which has a copy of all that this process had when its first
 * task was started. */
typedef void ahead_work(
    void *self, const struct ahead_task *t, struct ahead_output *o);

struct ahead;
struct ahead_job;

/* Fails with ERR_USAGE if `jobs`, the number of --jobs, is too large. */
int ahead_check_jobs(uint64_t jobs, struct err *e);
int ahead_open(struct ahead **a, uint64_t jobs, struct err *e);
void ahead_close(struct ahead *a);
/* Lets a child do work(self, t, output). NULL: all are busy, or no child can be
 * started. */
struct ahead_job *ahead_start(struct ahead *a, ahead_work *work, void *self,
    const struct ahead_task *t);
/* Waits for the child. Jobs must be waited for in the order in which they were
 * started. NULL: the child has failed. The output is valid until
 * ahead_release(), which also ends a child that is still working: then its
 * other job fails too. */
const struct ahead_output *ahead_wait(struct ahead_job *j);
void ahead_release(struct ahead_job *j);
/* Ends the children that work for self. */
void ahead_end_children(struct ahead *a, const void *self);
/* For the child: appends a line. Returns false if there is no room. */
bool ahead_put_line(struct ahead_output *o, const char *p, size_t n);

#endif
