#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = b->full = false;
}

/* The memory may exceed max by one byte, because max limits only the content,
 * and buf_text() puts a NUL after the content. */
__attribute__((cold, noinline)) static bool
grow(struct buf *b, size_t more)
{
	const size_t most = b->max + 1;
	size_t cap = b->cap ? b->cap : most < 256 ? most : 256;
	char *p;

	while (cap < b->len + more)
		cap = cap > most / 2 ? most : cap * 2;
	if ((p = realloc(b->data, cap)) == NULL) {
		b->failed = true;
		return false;
	}
	b->data = p;
	b->cap = cap;
	return true;
}

static inline bool
ensure_room_for(struct buf *b, size_t more)
{
	return more <= b->cap - b->len || grow(b, more);
}

bool
buf_reserve(struct buf *b, size_t more)
{
	if (more <= b->max - b->len)
		return ensure_room_for(b, more);
	b->failed = b->full = true;
	return false;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || !buf_reserve(b, n))
		return;
	memcpy(b->data + b->len, p, n);
	b->len += n;
}

void
buf_char(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		b->data[b->len++] = c;
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !buf_reserve(b, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

int
buf_check(struct buf *b, struct err *e)
{
	bool full = b->full;

	if (!b->failed)
		return 0;
	b->failed = b->full = false;
	if (full)
		return err_set(e, ERR_DATA, false, "longer than the limit of "
		    "%zu bytes", b->max);
	return err_nomem(e);
}

const char *
buf_text(struct buf *b)
{
	if (!ensure_room_for(b, 1))
		return "";
	b->data[b->len] = '\0';
	return b->data;
}

const char *
buf_finish(struct buf *b, struct err *e)
{
	const char *text = buf_text(b);

	return buf_check(b, e) == -1 ? NULL : text;
}
