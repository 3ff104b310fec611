#include "errval.h"
#include "text.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message may quote text of a server or a record, so control characters
 * are escaped. Newlines are kept: the program itself has put them into the
 * message. */
static void
append_escaped_lines(struct buf *b, const char *msg)
{
	size_t n = strcspn(msg, "\n");

	text_show(b, msg, n);
	while (msg[n] != '\0') {
		msg += n + 1;
		n = strcspn(msg, "\n");
		buf_char(b, '\n');
		text_show(b, msg, n);
	}
}

void
err_note(const char *program, const char *text)
{
	if (text != NULL)
		(void)fprintf(stderr, "%s: %s\n", program, text);
}

void
err_warn(const char *program, const char *text)
{
	if (text != NULL)
		(void)fprintf(stderr, "%s: warning: %s\n", program, text);
}

/* Formats the whole message first and prints it with one call: the other
 * programs of a pipeline write to the same stderr, and their lines must not
 * come between the parts of this message. If memory is out, the message is cut
 * to the size of a buffer on the stack. */
void
err_warnf(const char *program, const char *fmt, ...)
{
	char cut[1024], *text = cut;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1) {
		va_start(ap, fmt);
		(void)vsnprintf(cut, sizeof(cut), fmt, ap);
		va_end(ap);
		text = cut;
	}
	err_warn(program, text);
	if (text != cut)
		free(text);
}

int
err_report(const char *program, const struct err *e)
{
	const char *text;
	struct buf b;

	if (e->code == ERR_GONE) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)raise(SIGPIPE);
	}
	if (e->origin == ERR_UPSTREAM_PRINTED)
		return err_exit_code(e);
	buf_init(&b, 8 * sizeof(e->msg));
	append_escaped_lines(&b, e->msg);
	text = buf_text(&b);
	if (e->code != ERR_NONE)
		(void)fprintf(stderr, "%s: %s\n", program,
		    b.failed ? e->msg : text);
	buf_release(&b);
	if (e->code == ERR_USAGE && e->origin == ERR_OWN)
		(void)fprintf(stderr, "%s: see %s --help\n", program,
		    program);
	return err_exit_code(e);
}
