#include "outcome.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { SH_DENIED = 126, SH_MISSING = 127, SH_SIGNAL = 128 };

/* The signal that ended the script or, as sh tells it, its last stage. */
static int
signal_of(const struct child_end *end)
{
	int code;

	if (WIFSIGNALED(end->status))
		return WTERMSIG(end->status);
	code = WEXITSTATUS(end->status);
	return code > SH_SIGNAL && code - SH_SIGNAL < SIGRTMIN ?
	    code - SH_SIGNAL : 0;
}

static int
signal_code(int sig)
{
	switch (sig) {
	case SIGSEGV: case SIGBUS: case SIGILL: case SIGFPE: case SIGABRT:
	case SIGSYS: case SIGTRAP:
		return EX_SOFTWARE;
	case SIGPIPE: case SIGXFSZ:
		return EX_IOERR;
	default:
		return EX_TEMPFAIL;
	}
}

int
outcome_code(const struct child_end *end)
{
	int sig = signal_of(end), code;

	if (end->late || end->signal != 0)
		return EX_TEMPFAIL;
	if (sig != 0)
		return signal_code(sig);
	code = WEXITSTATUS(end->status);
	if (code == SH_DENIED)
		return EX_NOPERM;
	return code == SH_MISSING ? EX_CONFIG : code;
}

static void
signal_put(struct buf *b, const char *what, int sig)
{
	const char *name = sigabbrev_np(sig);

	if (name != NULL)
		buf_printf(b, "%s by SIG%s", what, name);
	else
		buf_printf(b, "%s by signal %d", what, sig);
}

/* "Killed": all that sh has to say of it. */
static bool
is_name_of(int sig, const char *text)
{
	const char *name = sig != 0 ? sigdescr_np(sig) : NULL;

	return name != NULL && strcmp(name, text) == 0;
}

static void
duration_put(struct buf *b, uint64_t ms)
{
	if (ms % 1000 == 0)
		buf_printf(b, "%" PRIu64 "s", ms / 1000);
	else
		buf_printf(b, "%" PRIu64 "ms", ms);
}

void
outcome_put(struct buf *b, const struct child_end *end, uint64_t timeout,
    struct cause *c)
{
	const char *last = cause_last(c), *words = cause_words(c);
	int sig = signal_of(end);

	if (end->signal != 0) {
		signal_put(b, "stopped", end->signal);
		return;
	}
	if (end->late) {
		buf_str(b, "stopped after ");
		duration_put(b, timeout);
		buf_str(b, " (--timeout)");
		return;
	}
	if (outcome_code(end) == 0)
		return;
	if (*cause_first(c) != '\0') {
		buf_str(b, cause_first(c));
		if (*words != '\0')
			buf_printf(b, "; last words before that: %s", words);
		return;
	}
	if (sig != 0)
		signal_put(b, "killed", sig);
	else
		buf_printf(b, "the script exited with %d",
		    WEXITSTATUS(end->status));
	if (*last != '\0' && !is_name_of(sig, last))
		buf_printf(b, ": %s", last);
}
