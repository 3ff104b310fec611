#include "errval.h"

#include <errno.h>
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
	e->origin = ERR_OWN;
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

int
err_bug(struct err *e, const char *fmt, ...)
{
	char what[sizeof(e->msg) - 64];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_BUG, false,
	    "bug in this program: %s; please report it", what);
}

int
err_errno(struct err *e, enum err_code code_unless_epipe_or_eacces,
    const char *what)
{
	enum err_code code = code_unless_epipe_or_eacces;
	int num = errno;

	if (num == EPIPE)
		code = ERR_GONE;
	if (code == ERR_INPUT && (num == EACCES || num == EPERM))
		code = ERR_DENIED;
	return err_set(e, code, num == ENOMEM, "%s: %s", what, strerror(num));
}

int
err_nomem(struct err *e)
{
	return err_set(e, ERR_IO, true, "out of memory");
}

/* A prefix, such as a long URL, gets at most half of the message, so that the
 * cause that follows the prefix is not cut off. */
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
err_exit_code(const struct err *e)
{
	return e->transient ? EX_TEMPFAIL : (int)e->code;
}
