/* Lets one run at a time of a pipeline's name and database execute, for this
 * user on this host. The kernel holds the lock (F_OFD_SETLK) as long as a
 * process has the descriptor, which all stages inherit. The process id in the
 * file is only used in messages. The folder is always below /tmp, so that cron
 * and a login shell find the same one.
 * Owns:  fd.
 * Fails: ERR_RETRY at once if another run has the lock. */
#ifndef RUN_LOCK_H
#define RUN_LOCK_H

#include "base/buf.h"

struct lock {
	int fd;
};

int lock_take(struct lock *l, const char *url, const char *name,
    struct err *e);
/* Writes our process id and the run into the file, for messages. */
void lock_write_holder(const struct lock *l, const char *run);
/* Sets the file's time to now, so that no cleaner of /tmp removes it. */
void lock_touch(const struct lock *l);
void lock_release(struct lock *l);
/* Appends "free" or the holder, without taking the lock. */
int lock_put_free_or_holder(struct buf *b, const char *url, const char *name,
    struct err *e);

#endif
