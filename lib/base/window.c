#include "window.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 64 << 10 };       /* least bytes of one read */

int
window_open(struct window *w, struct err *e)
{
	*w = (struct window){ .cap = WINDOW_READ };
	return (w->data = malloc(w->cap)) != NULL ? 0 : err_nomem(e);
}

void
window_release(struct window *w)
{
	free(w->data);
	*w = (struct window){ 0 };
}

static void
move_to_front(struct window *w, size_t keep)
{
	memmove(w->data, w->data + keep, w->end - keep);
	w->start -= keep;
	w->end -= keep;
}

static size_t
next_cap(size_t cap, size_t max)
{
	const size_t most = max + 2 * (size_t)WINDOW_READ;

	if (cap >= most)
		return cap + WINDOW_READ;
	return cap < most / 2 ? 2 * cap : most;
}

size_t
window_make_room(struct window *w, size_t keep, size_t max, struct err *e)
{
	size_t cap = next_cap(w->cap, max);
	char *p;

	if (keep > 0 && (keep == w->end || w->cap - w->end < ROOM))
		move_to_front(w, keep);
	if (w->cap - w->end < ROOM) {
		if ((p = realloc(w->data, cap)) == NULL) {
			(void)err_nomem(e);
			return 0;
		}
		w->data = p;
		w->cap = cap;
	}
	return w->cap - w->end < WINDOW_READ ? w->cap - w->end : WINDOW_READ;
}
