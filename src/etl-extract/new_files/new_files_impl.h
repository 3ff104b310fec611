/* The fields of struct new_files, for new_files*.c only. */
#ifndef EXTRACT_NEW_FILES_IMPL_H
#define EXTRACT_NEW_FILES_IMPL_H

#include "new_files/known_files.h"
#include "new_files/new_files.h"

struct new_files {
	const struct extract_opts *o;
	char *stored;           /* the value of the checkpoint, or NULL */
	int64_t version;
	struct known_files known;
	uint64_t count;         /* files that were read to their end, in this
				 * run and before: the checkpoint's value */
	struct buf done;        /* files since the last mark: a JSON array that
				 * is not closed */
	struct buf broken;      /* the broken files of this run, in the same
				 * form */
	bool is_blocked;        /* a part of a broken file was written: no mark
				 * may follow */
	uint64_t written_before;        /* records and rejects before the file
				 * that is being read */
	uint64_t written_at_mark;       /* the same count before the last
					 * mark */
	int64_t marked_at;      /* clock_ms() of the last mark */
};

/* With --changed tail: limits *g to the lines that were added to the file since
 * the last run. If the lines cannot be told from earlier ones, *g stays the
 * whole file. */
int new_files_find_tail(const struct new_files *n, struct file_entry *f, int fd,
    struct input_given *g, struct err *e);
/* Removes the files that need not be read from the list, and moves those that
 * an earlier run found broken to its end. */
int new_files_choose(struct new_files *n, struct file_list *l, struct err *e);

#endif
