#include "cause.h"

#include "base/text.h"

#include <string.h>

enum { LINE_KEPT = 8 << 10, CAUSE_KEPT = 32 << 10 };

void
cause_init(struct cause *c)
{
	buf_init(&c->line, LINE_KEPT);
	buf_init(&c->first, CAUSE_KEPT);
	buf_init(&c->last, CAUSE_KEPT);
	c->more = false;
}

void
cause_release(struct cause *c)
{
	buf_release(&c->line);
	buf_release(&c->first);
	buf_release(&c->last);
}

/* "etl-NAME: ", but not "etl-NAME: warning: ". */
static bool
is_failure(const char *p, size_t n)
{
	static const char family[] = "etl-", harmless[] = "warning: ";
	size_t i = sizeof(family) - 1;

	if (n < i || memcmp(p, family, i) != 0)
		return false;
	while (i < n && ((p[i] >= 'a' && p[i] <= 'z') || p[i] == '-'))
		i++;
	if (i == sizeof(family) - 1 || n - i < 3 || p[i] != ':' ||
	    p[i + 1] != ' ')
		return false;
	i += 2;
	return n - i < sizeof(harmless) - 1 ||
	    memcmp(p + i, harmless, sizeof(harmless) - 1) != 0;
}

static bool
is_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(" \t\r", p[i]) == NULL || p[i] == '\0')
			return false;
	return true;
}

static void
line_judge(struct cause *c)
{
	const char *p = c->line.data;
	size_t n = c->line.len;

	if (is_blank(p, n))
		return;
	buf_clear(&c->last);
	text_show(&c->last, p, n);
	if (c->first.len == 0 && is_failure(p, n)) {
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
cause_end(struct cause *c)
{
	line_judge(c);
	buf_clear(&c->line);
}

/* Of a line that is too long its start is enough. */
void
cause_add(struct cause *c, const char *p, size_t n)
{
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t part = lf != NULL ? (size_t)(lf - p) : n;
		size_t room = c->line.max - c->line.len;

		buf_add(&c->line, p, part < room ? part : room);
		if (lf == NULL)
			return;
		cause_end(c);
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
