#include "engine/filter_stderr.h"

#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static ssize_t
write_escaped(void *cookie, const char *p, size_t n)
{
	struct buf b;
	size_t at = 0;
	ssize_t written = 0;

	buf_init(&b, SIZE_MAX / 2);
	text_show_lines(&b, p, n, "");
	while (!b.failed && at < b.len && written != -1) {
		written = write(STDERR_FILENO, b.data + at, b.len - at);
		if (written == -1 && errno == EINTR)
			written = 0;
		if (written > 0)
			at += (size_t)written;
	}
	buf_release(&b);
	return written == -1 ? 0 : (ssize_t)n;
}

/* libjq before version 1.7 prints with the C stream stderr. So on a terminal
 * the stream is replaced by one that escapes control characters; glibc allows
 * this. */
int
stderr_escape(struct err *e)
{
	const cookie_io_functions_t functions = { .write = write_escaped };
	FILE *f;

	if (isatty(STDERR_FILENO) != 1)
		return 0;
	if ((f = fopencookie(NULL, "w", functions)) == NULL)
		return err_nomem(e);
	(void)setvbuf(f, NULL, _IONBF, 0);
	stderr = f;
	return 0;
}

void
stderr_print(struct buf *b)
{
	if (!b->failed)
		(void)fwrite(b->data, 1, b->len, stderr);
	buf_release(b);
}
