/* Lets one run at a time of a pipeline's name and database execute, for this
 * user on this host. The kernel holds the lock (F_OFD_SETLK) as long as a
 * process has the descriptor, which all stages inherit. The process id in the
 * file is only used in messages. There is a lock file in each folder that
 * lock_folder.h finds; if another run has one of them, the lock is held.
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
	char machine[MACHINE_ID];       /* of the last folder; "": unknown */
};

int lock_take(struct lock *l, const char *url, const char *name,
    struct err *e);
/* Writes our process id and the run into the file, for messages. */
void lock_write_holder(const struct lock *l, const char *run);
/* Sets the file's time to now, so that no cleaner of old files removes it. */
void lock_touch(const struct lock *l);
void lock_release(struct lock *l);
/* Appends two lines without taking the lock: the folders, and "free" or the
 * holder. */
int lock_put_folders_and_holder(struct buf *b, const char *url,
    const char *name, struct err *e);

#endif
