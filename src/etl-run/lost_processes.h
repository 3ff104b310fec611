/* Finds processes that the script has started and that have left its process
 * group, for example with timeout(1), setsid(1) or job control: all in the
 * script's session and, while the script is running, all its descendants.
 * Owns:  a pidfd of each process found, so that a signal cannot reach another
 *        process that has got its number. family_release() closes them.
 * Fails: never; without /proc it finds none. */
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

void family_find_lost(struct family *f);
void family_signal(const struct family *f, int sig);
/* Removes the processes that have ended. Returns true if any is left. */
bool family_forget_ended(struct family *f);
void family_release(struct family *f);

/* Looks for any process of this process id namespace. *since is its start time
 * in clock ticks since the boot. HIDDEN: it exists, but /proc does not show
 * it (the option hidepid), so *since is not known. */
enum process_state { PROCESS_ENDED, PROCESS_RUNNING, PROCESS_HIDDEN };
enum process_state process_find(pid_t pid, unsigned long long *since);

#endif
