#include "status.h"

#include "base/text.h"

#include <string.h>

/* Lines are ours; all else in them has been shown already, or is JSON. */
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
		    out_line(s->out, line.data, line.len, e);
	}
	buf_release(&line);
	return rc;
}
