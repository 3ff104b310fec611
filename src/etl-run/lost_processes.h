/* What a script has started and its process group has lost: timeout(1), a
 * shell with job control or setsid(1) take their own. Found are those of the
 * script's session, and, while the script lives, whatever descends from it.
 * Owns:  a descriptor of each that was found: no number that the kernel gave
 *        away again is ever signalled. family_release() closes them.
 * Fails: never; without /proc nobody is found. */
#ifndef RUN_LOST_PROCESSES_H
#define RUN_LOST_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct relative;

struct family {
	pid_t leader;           /* the script: its group and its session */
	struct relative *found;
	size_t n;
};

void family_find(struct family *f);
void family_signal(const struct family *f, int sig);
bool family_lives(struct family *f);    /* somebody of those found */
void family_release(struct family *f);

#endif
