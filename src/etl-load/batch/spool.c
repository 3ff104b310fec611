#include "batch/spool.h"

#include "base/temp_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct header {                 /* of a chunk in the file */
	uint64_t items, bytes;
};

void
spool_init(struct spool *s)
{
	*s = (struct spool){ .fd = -1 };
	/* The buffer s->data holds the lines in memory. It has no upper limit:
	 * callers test only after they have added a line whether it has
	 * SPOOL_CHUNK bytes, so it can be longer by the length of a line. */
	buf_init(&s->data, SIZE_MAX / 2);
}

void
spool_release(struct spool *s)
{
	buf_release(&s->data);
	free(s->items);
	if (s->open)
		(void)close(s->fd);
	*s = (struct spool){ .fd = -1 };
}

/* Removes the lines that are in memory, and frees their buffer if it is large.
 * The temporary file is not changed. */
static void
clear_chunk(struct spool *s)
{
	if (s->data.len > SPOOL_LARGE)
		buf_release(&s->data);
	buf_clear(&s->data);
	s->n = 0;
}

void
spool_clear(struct spool *s)
{
	clear_chunk(s);
	s->total = 0;
	s->end = s->read = 0;
	s->given = s->sealed = s->large = false;
}

static int
grow_items(struct spool *s, size_t total_items, struct err *e)
{
	size_t cap = s->cap ? s->cap * 2 : 256;
	struct item *p;

	while (cap < total_items)
		cap *= 2;
	if ((p = realloc(s->items, cap * sizeof(*p))) == NULL)
		return err_nomem(e);
	s->items = p;
	s->cap = cap;
	return 0;
}

int
spool_add_appended(struct spool *s, size_t at, uint64_t number, struct err *e)
{
	if (s->n == s->cap && grow_items(s, s->n + 1, e) == -1)
		return -1;
	s->items[s->n++] = (struct item){ .at = at,
		.len = s->data.len - at, .number = number,
		.kind = ITEM_RECORD };
	s->total++;
	return 0;
}

bool
spool_is_full(const struct spool *s, size_t most)
{
	return s->large || s->data.len >= SPOOL_CHUNK || s->n >= most;
}

static int
open_file_once(struct spool *s, struct err *e)
{
	if (s->open)
		return 0;
	if ((s->fd = temp_file_open(e)) == -1)
		return -1;
	s->open = true;
	return 0;
}

static int
append_to_file(struct spool *s, const void *p, size_t n, struct err *e)
{
	const char *from = p;
	ssize_t w;

	while (n > 0) {
		w = pwrite(s->fd, from, n, s->end);
		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return err_errno(e, ERR_IO, "temporary file");
		from += w;
		n -= (size_t)w;
		s->end += w;
	}
	return 0;
}

static int
read_from_file(struct spool *s, void *p, size_t n, struct err *e)
{
	char *to = p;
	ssize_t r;

	while (n > 0) {
		r = pread(s->fd, to, n, s->read);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return err_errno(e, ERR_IO, "temporary file");
		if (r == 0)
			return err_set(e, ERR_IO, false, "temporary file: it "
			    "is shorter than what etl-load has written to it");
		to += r;
		n -= (size_t)r;
		s->read += r;
	}
	return 0;
}

static int
append_chunk(struct spool *s, const struct item *items, size_t n,
    const char *data, size_t len, struct err *e)
{
	struct header h = { n, len };

	if (open_file_once(s, e) == -1 ||
	    append_to_file(s, &h, sizeof(h), e) == -1 ||
	    append_to_file(s, items, n * sizeof(*items), e) == -1)
		return -1;
	return append_to_file(s, data, len, e);
}

int
spool_write_chunk(struct spool *s, struct err *e)
{
	s->large = false;
	if (s->n == 0)
		return 0;
	if (append_chunk(s, s->items, s->n, s->data.data, s->data.len, e) == -1)
		return -1;
	clear_chunk(s);
	return 0;
}

/* Writes a large line to the temporary file, after the lines in memory. The
 * line is not copied in memory first: it may have 16 MiB or more. */
static int
write_large_line(struct spool *s, struct item *it, const char *data,
    struct err *e)
{
	it->at = 0;
	if (spool_write_chunk(s, e) == -1 ||
	    append_chunk(s, it, 1, data, it->len, e) == -1)
		return -1;
	s->large = true;
	s->total++;
	return 0;
}

int
spool_add(struct spool *s, enum item_kind kind, const struct line *l,
    struct err *e)
{
	struct item it = {
		.at = s->data.len, .len = l->len, .number = l->number,
		.offset = l->offset, .bytes = l->bytes, .kind = kind,
		.too_long = l->too_long
	};

	if (l->len >= SPOOL_CHUNK)
		return write_large_line(s, &it, l->data, e);
	if (s->n == s->cap && grow_items(s, s->n + 1, e) == -1)
		return -1;
	buf_add(&s->data, l->data, l->len);
	if (l->too_long)
		buf_add(&s->data, l->sha256, HASH_HEX);
	if (buf_check(&s->data, e) == -1)
		return -1;
	s->items[s->n++] = it;
	s->total++;
	return 0;
}

int
spool_rewind(struct spool *s, struct err *e)
{
	if (s->end > 0 && !s->sealed && spool_write_chunk(s, e) == -1)
		return -1;
	s->sealed = true;
	s->read = 0;
	s->given = false;
	return 0;
}

static int
read_chunk(struct spool *s, struct err *e)
{
	struct header h;

	clear_chunk(s);
	if (read_from_file(s, &h, sizeof(h), e) == -1)
		return -1;
	if (h.items > s->cap && grow_items(s, h.items, e) == -1)
		return -1;
	if (!buf_reserve(&s->data, h.bytes))
		return buf_check(&s->data, e) == -1 ? -1 : err_nomem(e);
	if (read_from_file(s, s->items, h.items * sizeof(*s->items), e) == -1 ||
	    read_from_file(s, s->data.data, h.bytes, e) == -1)
		return -1;
	s->n = h.items;
	s->data.len = h.bytes;
	return 1;
}

struct spool_position
spool_get_end(const struct spool *s)
{
	return (struct spool_position){ .n = s->n, .len = s->data.len,
		.total = s->total, .end = s->end };
}

/* Removes the lines that were added after spool_get_end() returned the position
 * *at. The lines just before this position were in memory then. If their chunk
 * has been written to the temporary file since then, it also holds later lines:
 * so the function reads the chunk back into memory and cuts it there. */
int
spool_cut(struct spool *s, const struct spool_position *at, struct err *e)
{
	if (s->end > at->end) {
		s->read = at->end;
		if (read_chunk(s, e) == -1)
			return -1;
		s->end = at->end;
	}
	s->n = at->n;
	s->data.len = at->len;
	s->total = at->total;
	return 0;
}

int
spool_next_chunk(struct spool *s, struct err *e)
{
	if (s->end > 0 && s->read < s->end)
		return read_chunk(s, e);
	if (s->end > 0) {
		clear_chunk(s);
		return 0;
	}
	if (s->given)
		return 0;
	s->given = true;
	return s->n > 0;
}

struct line
spool_get_line(const struct spool *s, size_t i)
{
	const struct item *it = &s->items[i];
	struct line l = {
		.data = s->data.data + it->at, .len = it->len,
		.number = it->number, .offset = it->offset,
		.bytes = it->bytes, .too_long = it->too_long
	};

	if (it->too_long)
		memcpy(l.sha256, l.data + l.len, HASH_HEX);
	return l;
}
