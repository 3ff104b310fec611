#include "stderr_tail.h"

#include "base/text.h"

#include <string.h>

enum {
	KEPT = 64 << 10,
	ROOM = 4 * KEPT,        /* larger than KEPT, so that the text is moved
				 * seldom */
	SHOWN = 6               /* most bytes that one byte becomes, as in
				 * \u0000 */
};

void
tail_init(struct tail *t)
{
	buf_init(&t->text, ROOM);
	t->cut = false;
}

void
tail_release(struct tail *t)
{
	buf_release(&t->text);
}

void
tail_add(struct tail *t, const char *p, size_t n)
{
	struct buf *b = &t->text;

	if (n > b->max - b->len && b->len > KEPT) {
		memmove(b->data, b->data + b->len - KEPT, KEPT);
		b->len = KEPT;
		t->cut = true;
	}
	buf_add(b, p, n);
}

/* Returns the offset in p at which to cut so that at most the last `most` bytes
 * remain. It is the start of a line or, inside a longer line, the start of a
 * character. `cut` is true if text before p was dropped, so that p may begin
 * inside a line. */
static size_t
find_tail_start(const char *p, size_t n, size_t most, bool cut)
{
	size_t at = n > most ? n - most : 0;
	const char *lf;

	if (at == 0 && !cut)
		return 0;
	if (at > 0 && p[at - 1] == '\n')
		return at;
	lf = memchr(p + at, '\n', n - at);
	if (lf != NULL && lf + 1 < p + n)
		return (size_t)(lf + 1 - p);
	while (at < n && (p[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void
put_escaped_lines(struct buf *b, const char *p, size_t n)
{
	while (n > 0) {
		size_t part = 0;

		while (part < n && p[part] != '\n' && p[part] != '\t')
			part++;
		text_show(b, p, part);
		if (part == n)
			return;
		buf_char(b, p[part++]);
		p += part;
		n -= part;
	}
}

void
tail_put_escaped(struct buf *b, const struct tail *t)
{
	const char *p = t->text.data;
	size_t at = find_tail_start(p, t->text.len, KEPT, t->cut);
	struct buf shown;

	buf_init(&shown, (size_t)SHOWN * KEPT);
	put_escaped_lines(&shown, p + at, t->text.len - at);
	if (shown.failed) {
		b->failed = true;
	} else {
		at = find_tail_start(shown.data, shown.len, KEPT, false);
		buf_add(b, shown.data + at, shown.len - at);
	}
	buf_release(&shown);
}
