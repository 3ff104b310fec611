#include "errval.h"

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

void
err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	va_list ap;
	int n;

	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(e->msg) - 1)
		return;
	(void)snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %.*s",
	    (int)(sizeof(old) - (size_t)n), old);
}

int
err_status(const struct err *e)
{
	return e->transient ? EX_TEMPFAIL : (int)e->code;
}

int
err_report(const char *program, const struct err *e)
{
	if (e->code == ERR_GONE) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)raise(SIGPIPE);
	}
	if (e->code != ERR_NONE)
		(void)fprintf(stderr, "%s: %s\n", program, e->msg);
	return err_status(e);
}
