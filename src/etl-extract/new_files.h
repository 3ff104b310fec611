/* --new-files: removes from the list the files that an earlier run with this
 * checkpoint has read to their end. Writes checkpoint marks with the files that
 * this run has read to their end.
 * Borrows: the options, and the list of files, which it shortens and reorders.
 * Owns:  what is stored about files; the lists for the marks.
 * Fails: ERR_USAGE, ERR_CONFIG; or as the database or the state file fails. */
#ifndef EXTRACT_NEW_FILES_H
#define EXTRACT_NEW_FILES_H

#include "common/extract.h"
#include "file/file_list.h"
#include "file/input.h"
#include "stream/stage.h"

struct new_files;

bool new_files_reads_tails(const struct extract_opts *o);
/* True if each file is read as a whole and named in its records by
 * --source-file: etl-load can then replace the rows of the file. */
bool new_files_are_whole(const struct extract_opts *o);
int new_files_check(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e);

/* Reads what earlier runs have stored, and removes the files from the list that
 * need not be read. Moves files that an earlier run found broken to the end of
 * the list. */
int new_files_open(struct new_files **n, const struct extract_opts *o,
    struct file_list *l, struct err *e);
void new_files_free(struct new_files *n);

/* Opens a file and sets *g so that the file is read up to its present size. The
 * caller closes g->fd, also after a failure. In a child of --jobs, fails if the
 * file has changed since new_files_note_version() was called. */
int new_files_open_file(const struct new_files *n, struct file_entry *f,
    bool is_child, struct input_given *g, struct err *e);
/* Stores the present version of a regular file in f->version. Returns false if
 * the file cannot be examined or is not regular. */
bool new_files_note_version(struct file_entry *f);

/* Call this before a file is read. If an earlier run found the file broken, it
 * first writes a mark for the files before: they then stay done if this file
 * fails again. */
int new_files_begin_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, struct err *e);
/* Call this after a file was read to its end. Writes a mark if one is due. */
int new_files_end_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, struct err *e);
/* Call this if a file could not be read to its end; `why` is the cause. */
int new_files_fail_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, const struct err *why, struct err *e);
/* Call this after the last file. Writes the last mark. */
int new_files_finish(struct new_files *n, struct stage *s, struct err *e);

#endif
