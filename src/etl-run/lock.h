/* One run at a time of a name in a database, on this host and for this user.
 * A lock of the kernel (F_OFD_SETLK) on a descriptor that all stages inherit:
 * it holds while any of them lives, and no longer. No pid decides anything; the
 * file's text only serves the message.
 * Owns:  fd. Source: the folder is below /tmp and not below a variable, for
 *        cron and a login shell must find the same one.
 * Fails: ERR_RETRY where another holds it, without any wait. */
#ifndef RUN_LOCK_H
#define RUN_LOCK_H

#include "base/buf.h"

struct lock {
	int fd;
};

int lock_take(struct lock *l, const char *url, const char *name,
    struct err *e);
void lock_note(const struct lock *l, const char *run);
void lock_keep(const struct lock *l);   /* fresh, for those who tidy /tmp */
void lock_drop(struct lock *l);
/* "free", or who holds it; takes nothing. */
int lock_look(struct buf *b, const char *url, const char *name,
    struct err *e);

#endif
