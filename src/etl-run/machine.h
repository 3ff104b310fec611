/* Identifies this machine and container. The host name is not sufficient,
 * because two containers may have the same one, and the same process ids.
 * Gives: machine_get_id_for_lock_folder(): "BOOT:DEVICE:INODE" of the
 *        kernel's boot and the lock folder. Two runs with the same text use the
 *        same lock. machine_get_pid_namespace(): the inode of the process id
 *        namespace.
 * Fails: returns "" if /proc is missing. */
#ifndef RUN_MACHINE_H
#define RUN_MACHINE_H

enum { MACHINE_ID = 96, MACHINE_NAMESPACE = 24 };

void machine_get_id_for_lock_folder(char id[MACHINE_ID], int lock_folder);
void machine_get_pid_namespace(char text[MACHINE_NAMESPACE]);

#endif
