#include "status.h"

#include "base/text.h"
#include "json/write.h"

#include <string.h>

/* Prints a text line by line with control characters escaped, so that a
 * terminal does not obey them. Each line must end in an LF. The text may be
 * JSON or already escaped: escaping again does not change its meaning. */
int
status_print(struct status *s, struct buf *text, struct err *e)
{
	const char *p, *end, *lf;
	struct buf line;
	int rc = 0;

	if (buf_check(text, e) == -1)
		return -1;
	buf_init(&line, SIZE_MAX / 4);
	p = text->data;
	for (end = p + text->len; rc == 0 && p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		buf_clear(&line);
		text_show(&line, p, (size_t)(lf - p));
		rc = buf_check(&line, e) == -1 ? -1 :
		    out_write_line(s->out, line.data, line.len, e);
	}
	buf_release(&line);
	return rc;
}

void
status_put_text(struct buf *b, const char *name, const char *s, size_t n)
{
	struct buf clean;
	size_t good;

	buf_init(&clean, SIZE_MAX / 4);
	while (n > 0) {
		good = utf8_valid_length(s, n);
		buf_add(&clean, s, good);
		if (good < n) {
			buf_char(&clean, '?');
			good++;
		}
		s += good;
		n -= good;
	}
	json_put_member(b, name, clean.data, clean.len);
	b->failed |= clean.failed;
	buf_release(&clean);
}
