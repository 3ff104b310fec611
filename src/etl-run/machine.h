/* Tells apart machines and containers. Two containers may have the same host
 * name, and processes of the same ids.
 * Gives: machine_identify(): "BOOT:DEVICE:INODE", the boot of the kernel and
 *        the lock folder. Two etl-run with the same text take the same lock.
 *        machine_get_namespace(): the inode of the namespace of process ids.
 * Fails: gives "" if /proc is missing. */
#ifndef RUN_MACHINE_H
#define RUN_MACHINE_H

enum { MACHINE_ID = 96, MACHINE_NAMESPACE = 24 };

void machine_identify(char id[MACHINE_ID], int lock_folder);
void machine_get_namespace(char text[MACHINE_NAMESPACE]);

#endif
