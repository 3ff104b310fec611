/* --new-files: leaves out the files that an earlier run with this checkpoint
 * has read to their end. Writes checkpoint marks, which list finished files.
 * Borrows: the options; the list of files, whose entries it removes and sorts.
 * Owns:  what is stored about files; the lists for the marks.
 * Fails: ERR_USAGE, ERR_CONFIG; and as the database or the state file does. */
#ifndef EXTRACT_NEW_FILES_H
#define EXTRACT_NEW_FILES_H

#include "extract.h"
#include "file/file_list.h"
#include "file/input.h"
#include "stream/stage.h"

struct new_files;

bool new_files_reads_tails(const struct extract_opts *o);
int new_files_check_options(
    const struct extract_opts *o, char *const *uri, size_t n, struct err *e);

/* Reads what is stored, and removes from the list the files that need not be
 * read. Files that an earlier run found broken become the last of the list. */
int new_files_open(struct new_files **n, const struct extract_opts *o,
    struct file_list *l, struct err *e);
void new_files_free(struct new_files *n);

/* Opens a file and sets *g so that it is read to the size that it has now. The
 * caller closes g->fd. A child of --jobs fails if the file has changed since
 * new_files_look() was called. */
int new_files_open_file(const struct new_files *n, struct file_entry *f,
    bool is_child, struct input_given *g, struct err *e);
/* For a file that a child may read: notes its present state. */
bool new_files_look(struct file_entry *f);

/* Call before a file is read: if it was broken before, first writes a mark for
 * the files before it. */
int new_files_begin_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, struct err *e);
/* The file was read to its end: writes a mark if one is due. */
int new_files_end_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, struct err *e);
/* The file could not be read to its end. */
int new_files_fail_file(struct new_files *n, const struct file_entry *f,
    struct stage *s, const struct err *why, struct err *e);
/* After the last file: writes the last mark. */
int new_files_finish(struct new_files *n, struct stage *s, struct err *e);

#endif
