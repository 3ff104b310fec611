/* The files of recordings: recording.c writes them, recording_replay.c reads
 * them, recording_file.c has what both need.
 * Fails: with the errors that recording.h lists. */
#ifndef EXTRACT_RECORDING_IMPL_H
#define EXTRACT_RECORDING_IMPL_H

#include "http/recording.h"

enum { RECORDING_NAME_MAX = 8192, RECORDING_READ = 16 << 10,
	RECORDING_WAITING_MAX = 2 << 20 };

/* Sets *b to the name of file n in the folder. */
int recording_set_path(struct buf *b, const char *folder, uint64_t n,
    const char *suffix, struct err *e);
/* Closes the file of this answer. With --record-to, also removes the file,
 * because only a part of the answer was written. */
void recording_abort(struct recording *r);
/* Reads the next answer from its file. Fails if the recorded request is not
 * `request`. */
int recording_next(struct recording *r, const char *request,
    struct http_answer *a, struct err *e);
ssize_t recording_replay(struct recording *r, char *p, size_t n, struct err *e);

#endif
