#include "failure_cause.h"

#include "base/text.h"

#include <string.h>

enum { LINE_KEPT = 8 << 10, CAUSE_KEPT = 32 << 10 };

void
cause_init(struct cause *c)
{
	buf_init(&c->line, LINE_KEPT);
	buf_init(&c->first, CAUSE_KEPT);
	buf_init(&c->last, CAUSE_KEPT);
	buf_init(&c->words, CAUSE_KEPT);
	c->more = false;
}

void
cause_release(struct cause *c)
{
	buf_release(&c->line);
	buf_release(&c->first);
	buf_release(&c->last);
	buf_release(&c->words);
}

/* Returns the length of a prefix "NAME: " at p, with NAME in small letters and
 * hyphens; 0 if p does not start with one. */
static size_t
prefix_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && ((p[i] >= 'a' && p[i] <= 'z') || p[i] == '-'))
		i++;
	return i > 0 && n - i > 1 && p[i] == ':' && p[i + 1] == ' ' ?
	    i + 2 : 0;
}

/* True for the line that etl-load prints after a success: "TABLE in DB: 98 in,
 * ...". P starts after "etl-load: ". */
static bool
is_loader_summary(const char *p, size_t n)
{
	const char *end = memmem(p, n, " in, ", 5), *q = end;

	while (q != NULL && q > p && q[-1] >= '0' && q[-1] <= '9')
		q--;
	return q != NULL && q < end && q - p > 2 && q[-1] == ' ' &&
	    q[-2] == ':';
}

/* Each message of an etl program starts with its name, such as "etl-load: ".
 * Returns the length of this prefix at p, or 0 if p has none. */
static size_t
etl_prefix_length(const char *p, size_t n)
{
	static const char family[] = "etl-";
	size_t i = prefix_length(p, n);

	return i > sizeof(family) + 1 && memcmp(p, family, 4) == 0 ? i : 0;
}

/* True if the line is an error message of an etl program ("etl-load: ..."), and
 * neither a warning nor the line that etl-load prints after a success. */
static bool
is_etl_error_line(const char *p, size_t n)
{
	static const char harmless[] = "warning: ";
	size_t i = etl_prefix_length(p, n);

	if (i == 0)
		return false;
	p += i;
	n -= i;
	return (n < sizeof(harmless) - 1 ||
	    memcmp(p, harmless, sizeof(harmless) - 1) != 0) &&
	    !is_loader_summary(p, n);
}

/* `first` is the failure message that was found first. True if it repeats the
 * line at p, which another program has printed. For example, etl-load may print
 * "etl-load: nothing was loaded: extract: why" before etl-extract itself prints
 * "etl-extract: why". */
static bool
is_repeated(const struct buf *first, const char *p, size_t n)
{
	size_t len = prefix_length(p, n);
	const char *at = first->data, *end = first->data + first->len;

	if (len <= 6)
		return false;
	p += 4;                 /* skip "etl-" and the ": " at the end */
	len -= 6;
	while ((at = memmem(at, (size_t)(end - at), ": ", 2)) != NULL) {
		at += 2;
		if ((size_t)(end - at) > len && memcmp(at, p, len) == 0 &&
		    (at[len] == ':' || at[len] == '.'))
			return true;
	}
	return false;
}

static bool
is_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(" \t\r", p[i]) == NULL || p[i] == '\0')
			return false;
	return true;
}

/* Keeps the line if it tells the cause of the failure better than those
 * before. */
static void
examine_line(struct cause *c)
{
	const char *p = c->line.data;
	size_t n = c->line.len;

	if (is_blank(p, n))
		return;
	buf_clear(&c->last);
	text_show(&c->last, p, n);
	if (c->first.len == 0 && etl_prefix_length(p, n) == 0) {
		buf_clear(&c->words);
		text_show(&c->words, p, n);
	}
	if (is_etl_error_line(p, n) &&
	    (c->first.len == 0 || is_repeated(&c->first, p, n))) {
		buf_clear(&c->first);
		text_show(&c->first, p, n);
		c->more = true;
	} else if (c->more && (*p == ' ' || *p == '\t')) {
		buf_char(&c->first, '\n');
		text_show(&c->first, p, n);
	} else {
		c->more = false;
	}
}

void
cause_end_line(struct cause *c)
{
	examine_line(c);
	buf_clear(&c->line);
}

/* Reads the next bytes of the pipeline's standard error. Examines each line
 * when its LF was read. Only the start of a long line is kept. */
void
cause_examine(struct cause *c, const char *p, size_t n)
{
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t part = lf != NULL ? (size_t)(lf - p) : n;
		size_t room = c->line.max - c->line.len;

		buf_add(&c->line, p, part < room ? part : room);
		if (lf == NULL)
			return;
		cause_end_line(c);
		p += part + 1;
		n -= part + 1;
	}
}

const char *
cause_first(struct cause *c)
{
	return buf_text(&c->first);
}

const char *
cause_last(struct cause *c)
{
	return buf_text(&c->last);
}

const char *
cause_other_line(struct cause *c)
{
	static const char cut[] =
	    ": the stream was cut off: it has no end mark";

	return memmem(buf_text(&c->first), c->first.len, cut,
	    sizeof(cut) - 1) != NULL ? buf_text(&c->words) : "";
}
