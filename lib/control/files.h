/* The table etl_files: the files that etl-extract --new-files has read. Each
 * row belongs to a checkpoint. It says that the file was read to its end, or
 * that the file is broken. Call control_ensure_tables() first.
 * Borrows: all texts until the call returns.
 * Fails:   as the database does. */
#ifndef CONTROL_FILES_H
#define CONTROL_FILES_H

#include "db/db.h"

struct file_state {
	const char *path;
	int64_t size;
	const char *mtime;      /* as file_mtime_format() writes it */
	const char *sha256;     /* hash of the first `size` bytes, or NULL */
	bool is_broken;
};

/* files_read() calls it for each file. */
typedef int file_state_each(
    void *self, const struct file_state *f, struct err *e);

int files_read(struct db *db, const char *name, file_state_each *each,
    void *self, struct err *e);

/* The files that a mark checkpoint or failed lists, as JSON arrays:
 * [{"path":...,"size":...,"mtime":...}] */
struct files_change {
	const char *done, *broken;      /* NULL: none */
};
/* Stores the files of c; a file that is already stored gets the new values.
 * Call this in a transaction. */
int files_store(struct db *db, const char *name, const char *run,
    const struct files_change *c, struct err *e);

#endif
