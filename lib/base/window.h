/* A window of a text that is read piece by piece: data[start..end) are the
 * bytes that were read and not yet used.
 * Owns:  data; window_release() frees it.
 * Use:   call window_make_room() before each read: it may move the bytes. Read
 *        to data + end and raise end; raise start by the bytes that are used.
 */
#ifndef BASE_WINDOW_H
#define BASE_WINDOW_H

#include "errval.h"

#include <stddef.h>

enum { WINDOW_READ = 256 << 10 };       /* most bytes of one read */

struct window {
	char *data;
	size_t start, end, cap;
};

int window_open(struct window *w, struct err *e);
void window_release(struct window *w);
/* Returns how many bytes may be read, at most WINDOW_READ, or 0 if memory is
 * out. May drop the bytes before data[keep]; keep is at most start. The window
 * doubles until it has room for `max` bytes; then it grows by WINDOW_READ. */
size_t window_make_room(
    struct window *w, size_t keep, size_t max, struct err *e);

#endif
