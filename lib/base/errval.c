#include "errval.h"

#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *e, enum err_code code, bool transient,
    const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->transient = transient;
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

int
err_errno(struct err *e, enum err_code code, const char *what)
{
	int num = errno;

	if (num == EPIPE)
		code = ERR_GONE;
	return err_set(e, code, num == ENOMEM, "%s: %s", what, strerror(num));
}

int
err_nomem(struct err *e)
{
	return err_set(e, ERR_IO, true, "out of memory");
}

/* The cause is worth more than all of a long URL before it. */
void
err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	const size_t most = sizeof(e->msg) / 2;
	size_t at;
	va_list ap;
	int n;

	memcpy(old, e->msg, sizeof(old));
	e->msg[0] = '\0';
	va_start(ap, fmt);
	n = vsnprintf(e->msg, most, fmt, ap);
	va_end(ap);
	at = strlen(e->msg);
	(void)snprintf(e->msg + at, sizeof(e->msg) - at, "%s: %s",
	    n < (int)most ? "" : "...", old);
}

int
err_status(const struct err *e)
{
	return e->transient ? EX_TEMPFAIL : (int)e->code;
}

/* A message may quote what came from anywhere; line ends are ours. */
static void
show(struct buf *b, const char *msg)
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

int
err_report(const char *program, const struct err *e)
{
	const char *text;
	struct buf b;

	if (e->code == ERR_GONE) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)raise(SIGPIPE);
	}
	buf_init(&b, 8 * sizeof(e->msg));
	show(&b, e->msg);
	text = buf_text(&b);
	if (e->code != ERR_NONE)
		(void)fprintf(stderr, "%s: %s\n", program,
		    b.failed ? e->msg : text);
	buf_release(&b);
	return err_status(e);
}
