/* Child processes that read a part of the input before this process comes to it
 * (--jobs). A child writes complete records into shared memory. If it meets
 * anything else, such as a reject, it stops, and this process reads that part
 * itself. So the output is the same with and without children.
 * Owns:  the children and the memory. A pool that is NULL starts no children.
 * Fails: ahead_open(). If a child cannot be started or ends early, that is not
 *        a failure. */
#ifndef EXTRACT_AHEAD_H
#define EXTRACT_AHEAD_H

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>

enum {
	AHEAD_INPUT = 1 << 20,  /* size of a part of a file */
	AHEAD_FILE = 2 << 20,   /* a child reads a whole file only if it is
				 * smaller */
	AHEAD_OUTPUT = 4 << 20, /* memory for the output of one task */
	AHEAD_JOBS_MAX = 256
};

struct ahead_output {
	bool is_done;           /* the members below are valid */
	uint64_t begin, end;    /* the part of the file that was read */
	uint64_t input_lines;
	uint64_t records;       /* number of lines in data */
	size_t len;
	char data[];
};

/* What a child reads: the bytes from..to of a file or, in run_sources.c, the
 * whole file with the number `from` in the list of sources. */
struct ahead_task {
	uint64_t from, to;
	bool is_exact;          /* a record starts at `from` */
};

/* The work of a child. It sees the memory of this process as it was when the
 * child was started. */
typedef void ahead_work(
    void *self, const struct ahead_task *t, struct ahead_output *o);

struct ahead;
struct ahead_job;

/* Fails with ERR_USAGE if `jobs`, the number of --jobs, is too large. */
int ahead_check_jobs(uint64_t jobs, struct err *e);
int ahead_open(struct ahead **a, uint64_t jobs, struct err *e);
void ahead_close(struct ahead *a);
/* Gives a task to a child, which calls work(self, t, output). Returns NULL if
 * all children are busy or no child can be started. */
struct ahead_job *ahead_start(struct ahead *a, ahead_work *work, void *self,
    const struct ahead_task *t);
/* Waits until the child has done the job. Returns NULL if it has failed. Call
 * this in the order in which the jobs were started. The output is valid until
 * ahead_release(). That kills the child if it is still working, and its other
 * job fails too. */
const struct ahead_output *ahead_wait(struct ahead_job *j);
/* Releases the job. Kills the child if it is still working. */
void ahead_release(struct ahead_job *j);
/* Kills the children that were started for `self`, and releases their jobs. */
void ahead_kill(struct ahead *a, const void *self);
/* Used in a child: appends a line to its output. Returns false if there is no
 * room. */
bool ahead_put_line(struct ahead_output *o, const char *p, size_t n);

#endif
