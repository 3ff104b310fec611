/* Saves the value of the last checkpoint mark to a state file, at most once a
 * second and at the end of the stream.
 * Owns:  copies of name and value; saver_release() frees them.
 * Borrows: path, fds.
 * Fails: ERR_RETRY if another program has changed the checkpoint; ERR_GONE,
 *        without saving, if the reader of standard output has exited. */
#ifndef CHECKPOINT_CHECKPOINT_SAVER_H
#define CHECKPOINT_CHECKPOINT_SAVER_H

#include "base/stdfd.h"
#include "stream/mark.h"

struct saver {
	const char *path;
	const struct stdfd *fds;
	char *name, *value, *validators;
	struct buf files;       /* the files of the marks that are not saved
				 * yet: the elements of their arrays */
	bool pending;           /* value must be saved */
	bool own;               /* version is known: from the first mark of
	                         * this stream, and 1 more after each save */
	bool ever;              /* a checkpoint was saved before */
	int64_t version;
	int64_t at;             /* clock_ms() of the last save */
};

/* Copies the value of a checkpoint mark, to be saved later. All records before
 * the mark must have been written. */
int saver_note_mark(struct saver *s, const struct mark *m, struct err *e);
/* Returns how many ms the value may still wait. 0: it must be saved now; -1:
 * there is no value to save. */
int saver_due_ms(const struct saver *s);
/* Syncs standard output and rejects to the disk, then saves the value. */
int saver_save(struct saver *s, struct err *e);
/* Stores the list of broken files in the mark `failed`. */
int saver_store_broken(struct saver *s, const char *name, const struct mark *m,
    struct err *e);
/* Call this when another stream begins. The version of the checkpoint is then
 * read again, from the first checkpoint mark of that stream. */
void saver_next_stream(struct saver *s);
void saver_release(struct saver *s);

#endif
