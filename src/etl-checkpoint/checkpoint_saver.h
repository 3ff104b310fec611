/* The last checkpoint that has passed, and when it is saved: at once if none
 * was within the last second, else when that is over, or at the end.
 * Owns:    copies of name and value; saver_release() frees them.
 * Borrows: path, fds.
 * Fails:   ERR_RETRY where somebody else has moved the checkpoint; ERR_GONE,
 *          and nothing is saved, where the reader of standard output left. */
#ifndef CHECKPOINT_CHECKPOINT_SAVER_H
#define CHECKPOINT_CHECKPOINT_SAVER_H

#include "base/stdfd.h"
#include "stream/mark.h"

struct saver {
	const char *path;
	const struct stdfd *fds;
	char *name, *value;
	bool pending;           /* value is to be saved */
	bool own;               /* version is known from here: of this
	                         * stream's first mark, and each save's */
	bool ever;
	int64_t version;
	int64_t at;             /* of the last save, clock_ms() */
};

/* A checkpoint mark, once all before it has been written. */
int saver_take(struct saver *s, const struct mark *m, struct err *e);
/* Milliseconds until it is to be saved: 0 now, -1 there is nothing. */
int saver_due(const struct saver *s);
/* What has been written goes to the disk, then the value, if there is one. */
int saver_save(struct saver *s, struct err *e);
/* Another stream begins: its marks say which version it has read. */
void saver_forget(struct saver *s);
void saver_release(struct saver *s);

#endif
