#include "lines_impl.h"

#include <stdlib.h>
#include <string.h>

/* True if more input may be read into the buffer: it has less than `most`
 * bytes, or it has no whole line yet. False if its first line is too long. */
static bool
may_read_more(const struct lines *l, size_t most)
{
	size_t n = l->end - l->start;

	return !l->eof && l->hash == NULL &&
	    (n < most || (l->ahead == 0 && n <= l->max));
}

/* Ensures that READ_MIN bytes fit at the end of the buffer: moves the unread
 * bytes to its start, and enlarges it if that is not enough. */
static int
make_room_ahead(struct lines *l, size_t most, struct err *e)
{
	size_t cap, n = l->end - l->start;
	size_t limit = n < most ? most : n < l->max ? l->max : n;
	char *p;

	if (l->cap - l->end >= READ_MIN)
		return 0;
	memmove(l->data, l->data + l->start, n);
	l->seen -= l->start;
	l->start = 0;
	l->end = n;
	if (l->cap - l->end >= READ_MIN)
		return 0;
	cap = l->cap > limit / 2 ? limit + READ_MAX : l->cap * 2;
	if ((p = realloc(l->data, cap)) == NULL)
		return err_nomem(e);
	l->data = p;
	l->cap = cap;
	return 0;
}

static enum lines_result
read_more_ahead(struct lines *l, size_t most, int timeout, struct err *e)
{
	enum lines_result r;
	ssize_t n = 0;
	size_t room;

	if (make_room_ahead(l, most, e) == -1)
		return LINES_FAILED;
	room = l->cap - l->end;
	r = lines_read(l, room < READ_MAX ? room : READ_MAX, timeout, &n, e);
	if (r == LINES_ONE) {
		l->eof = n == 0;
		l->end += (size_t)n;
	}
	return r;
}

/* Finds the next line that lines_look_ahead() has not returned yet. At the end
 * of the input, a line without LF counts, too. */
static bool
find_line_ahead(struct lines *l, struct line *out, size_t *size)
{
	const char *p = l->data + l->start + l->ahead;
	size_t left = l->end - l->start - l->ahead, old = l->ahead_no_lf;
	const char *lf = memchr(p + old, '\n', left - old);

	l->ahead_no_lf = lf == NULL ? left : 0;
	if (lf == NULL && (!l->eof || left == 0))
		return false;
	*out = (struct line){ .data = p, .torn = lf == NULL,
		.len = lf == NULL ? left : (size_t)(lf - p) };
	out->bytes = out->len;
	out->too_long = out->len > l->max;
	*size = out->len + (lf != NULL);
	return true;
}

enum lines_result
lines_look_ahead(struct lines *l, struct line *out, size_t most, int timeout,
    struct err *e)
{
	enum lines_result r;
	size_t size;

	for (;;) {
		if (find_line_ahead(l, out, &size)) {
			l->ahead += size;
			l->ahead_no_lf = 0;
			return LINES_ONE;
		}
		if (!may_read_more(l, most))
			return LINES_END;
		if ((r = read_more_ahead(l, most, timeout, e)) != LINES_ONE)
			return r;
	}
}

void
lines_restart_ahead(struct lines *l)
{
	l->ahead = l->ahead_no_lf = 0;
}

bool
lines_has_ended(const struct lines *l)
{
	return l->eof;
}
