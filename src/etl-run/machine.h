/* Identifies this machine, this container and this process, and finds out
 * whether the process of another run is alive. The host name is not sufficient,
 * because two containers may have the same one, and the same process ids.
 * Gives: machine_lock_id(): "BOOT:DEVICE:INODE:FILE" of the kernel's boot, the
 *        lock folder and the lock file. Two runs with the same text use the
 *        same lock. machine_namespace(): the inode of the process id namespace.
 * Fails: returns "" if /proc is missing. */
#ifndef RUN_MACHINE_H
#define RUN_MACHINE_H

#include "base/hash.h"
#include "control/runs.h"

enum { MACHINE_ID = 96, MACHINE_NAMESPACE = 24, MACHINE_BOOT = 37 };

struct machine {
	char boot[MACHINE_BOOT], pid_namespace[MACHINE_NAMESPACE];
	char host_id[HASH_HEX]; /* a hash of /etc/machine-id */
};

void machine_lock_id(char id[MACHINE_ID], int lock_folder,
    const char *lock_file);
void machine_namespace(char text[MACHINE_NAMESPACE]);
/* Sets in r the columns that name this process. r borrows the texts of m. */
void machine_set_process(struct machine *m, struct run *r);
/* See run_take_lease(). The caller holds the lock of r->machine. */
run_is_alive machine_run_is_alive;

#endif
