/* Finds the folders for the lock files of this user, each named etl-run:
 * $XDG_RUNTIME_DIR if it is set, and always the folder for state:
 * $XDG_STATE_HOME or ~/.local/state, or /tmp/etl-run-UID if the home folder
 * cannot be written. cron does not set XDG_RUNTIME_DIR, and a logout removes
 * it: the second lock, in the folder for state, excludes such runs too.
 * Owns:  the paths and the descriptors.
 * Fails: ERR_DENIED if others may write in a folder, ERR_CREATE. */
#ifndef RUN_LOCK_FOLDER_H
#define RUN_LOCK_FOLDER_H

#include "base/buf.h"

enum { LOCK_FOLDERS = 2 };

struct lock_folders {
	char *path[LOCK_FOLDERS];
	size_t n;
};

int lock_folders_find(struct lock_folders *f, struct err *e);
void lock_folders_release(struct lock_folders *f);
/* Creates the folder if `path` does not exist. Returns its descriptor. */
int lock_folder_open(const char *path, struct err *e);
/* Appends the paths of all folders, for messages. */
void lock_folders_put(struct buf *b, const struct lock_folders *f);

#endif
