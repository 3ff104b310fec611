/* A lock that lets only one run of a pipeline's name and database execute at a
 * time, for this user on this host. The kernel keeps the lock (F_OFD_SETLK)
 * while a process has the descriptor, which all stages inherit. The process id
 * in the file is only used in messages. There is a lock file in each folder of
 * lock_folder.h. If another run holds one of them, the lock is held.
 * Owns:  fd.
 * Fails: ERR_RETRY at once if another run has the lock. */
#ifndef RUN_LOCK_H
#define RUN_LOCK_H

#include "lock_folder.h"
#include "machine.h"

struct lock {
	int fd[LOCK_FOLDERS];   /* the lock files, all of them locked */
	size_t n;               /* 0: no lock is held */
	char *reports;          /* path of the file in which the stages report
	                         * their streams: beside the last lock file */
	/* machine_lock_id() of the last folder. */
	char machine[MACHINE_ID];
};

int lock_take(struct lock *l, const char *url, const char *name,
    struct err *e);
/* Writes the id of this process and of the run into the lock files. They are
 * only used in messages. */
void lock_write_holder(const struct lock *l, const char *run);
/* Sets the times of the lock files to now, so that no program that removes old
 * files removes them. */
void lock_touch_files(const struct lock *l);
void lock_release(struct lock *l);
/* Appends two lines: the lock folders, and "free" or who holds the lock. Does
 * not take the lock. */
int lock_put(struct buf *b, const char *url, const char *name, struct err *e);

#endif
