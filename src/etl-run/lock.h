/* A lock that lets only one run of a pipeline's name and database execute at a
 * time, for this user on this host. The kernel keeps the lock (F_OFD_SETLK)
 * while a process has the descriptor, which all stages inherit. The process id
 * in the file is only used in messages. There is a lock file in each folder of
 * lock.h. If another run holds one of them, the lock is held.
 * Owns:  fd.
 * Fails: ERR_RETRY at once if another run has the lock. */
#ifndef RUN_LOCK_H
#define RUN_LOCK_H

#include "base/buf.h"
#include "base/hash.h"
#include "control/runs.h"

/* Finds the folders for the lock files of this user, each named etl-run:
 * $XDG_RUNTIME_DIR if it is set, and always the folder for state:
 * $XDG_STATE_HOME or ~/.local/state, or /tmp/etl-run-UID if the home folder
 * cannot be written. cron does not set XDG_RUNTIME_DIR, and a logout removes
 * it: the second lock, in the folder for state, excludes such runs too.
 * Owns:  the paths and the descriptors.
 * Fails: ERR_DENIED if others may write in a folder, ERR_CREATE. */

enum { LOCK_FOLDERS = 2 };

struct lock_folders {
	char *path[LOCK_FOLDERS];
	size_t n;
};

/* Identifies this machine, this container and this process, and finds out
 * whether the process of another run is alive. The host name is not sufficient,
 * because two containers may have the same one, and the same process ids.
 * Gives: machine_lock_id(): "BOOT:DEVICE:INODE:FILE" of the kernel's boot, the
 *        lock folder and the lock file. Two runs with the same text use the
 *        same lock. machine_namespace(): the inode of the process id namespace.
 * Fails: returns "" if /proc is missing. */

enum { MACHINE_ID = 96, MACHINE_NAMESPACE = 24, MACHINE_BOOT = 37 };

struct machine {
	char boot[MACHINE_BOOT], pid_namespace[MACHINE_NAMESPACE];
	char host_id[HASH_HEX]; /* a hash of /etc/machine-id */
};

/* Sets in r the columns that name this process. r borrows the texts of m. */
void machine_set_process(struct machine *m, struct run *r);
/* See run_take_lease(). The caller holds the lock of r->machine. */
run_is_alive machine_run_is_alive;

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
