#include "exit_outcome.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SH_DENIED = 126, SH_MISSING = 127, SH_SIGNAL = 128 };

/* Returns the signal that killed the script, or 0. If the last program of the
 * script was killed, sh itself exits with 128 + signal; that counts too. */
static int
get_killing_signal(const struct child_end *end)
{
	int code;

	if (WIFSIGNALED(end->status))
		return WTERMSIG(end->status);
	code = WEXITSTATUS(end->status);
	return code > SH_SIGNAL && code - SH_SIGNAL < SIGRTMIN ?
	    code - SH_SIGNAL : 0;
}

/* Returns the exit code for a script that this signal has killed. */
static int
signal_exit_code(int sig)
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

static bool
program_exists(const char *name, size_t n)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];
	size_t dir;

	if (memchr(name, '/', n) != NULL) {
		(void)snprintf(file, sizeof(file), "%.*s", (int)n, name);
		return access(file, F_OK) == 0;
	}
	while (path != NULL && *path != '\0') {
		dir = strcspn(path, ":");
		(void)snprintf(file, sizeof(file), "%.*s/%.*s", (int)dir,
		    path, (int)n, name);
		if (access(file, F_OK) == 0)
			return true;
		path += dir + (path[dir] == ':');
	}
	return false;
}

/* True if `words` is a line such as "sh: 3: jqq: not found" and the program jqq
 * really does not exist. If a missing program is not the last one of a pipe,
 * this line is the only sign of it, because sh returns only the exit status of
 * the last program. */
static bool
is_not_found_line(const char *words)
{
	static const char *const ends[] = {
		": command not found", ": not found",
		": No such file or directory"           /* bash, of a path */
	};
	size_t len = strlen(words), n;
	const char *name;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		n = strlen(ends[i]);
		if (len <= n || strcmp(words + len - n, ends[i]) != 0)
			continue;
		len -= n;
		for (n = 0; n < len && words[len - n - 1] != ' '; n++)
			;
		name = words + len - n;
		return n > 0 && n + 1 < len && name[-2] == ':' &&
		    (i < 2 || strstr(words, ": line ") != NULL) &&
		    !program_exists(name, n);
	}
	return false;
}

int
outcome_exit_code(const struct child_end *end, struct cause *c)
{
	int sig = get_killing_signal(end), code;

	if (end->late || end->signal != 0)
		return EX_TEMPFAIL;
	if (sig != 0)
		return signal_exit_code(sig);
	code = WEXITSTATUS(end->status);
	if (code == SH_DENIED)
		return EX_NOPERM;
	if (code == EX_TEMPFAIL && is_not_found_line(cause_other_line(c)))
		return EX_CONFIG;
	return code == SH_MISSING ? EX_CONFIG : code;
}

static void
put_signal(struct buf *b, const char *what, int sig)
{
	const char *name = sigabbrev_np(sig);

	if (name != NULL)
		buf_printf(b, "%s by SIG%s", what, name);
	else
		buf_printf(b, "%s by signal %d", what, sig);
}

/* True if the text is the one that sh prints when a program is killed by the
 * signal, such as "Killed" for SIGKILL. */
static bool
is_signal_text(int sig, const char *text)
{
	const char *name = sig != 0 ? sigdescr_np(sig) : NULL;

	return name != NULL && strcmp(name, text) == 0;
}

static void
put_seconds(struct buf *b, uint64_t ms)
{
	if (ms % 1000 == 0)
		buf_printf(b, "%" PRIu64 "s", ms / 1000);
	else
		buf_printf(b, "%" PRIu64 "ms", ms);
}

void
outcome_put_status(struct buf *b, const struct child_end *end,
    uint64_t timeout)
{
	int sig = get_killing_signal(end);

	if (end->signal != 0) {
		put_signal(b, "stopped", end->signal);
	} else if (end->late) {
		buf_str(b, "stopped after ");
		put_seconds(b, timeout);
		buf_str(b, " (--timeout)");
	} else if (sig != 0) {
		put_signal(b, "killed", sig);
	} else {
		buf_printf(b, "the script exited with %d",
		    WEXITSTATUS(end->status));
	}
}

void
outcome_put_message(struct buf *b, const struct child_end *end,
    uint64_t timeout, struct cause *c)
{
	const char *last = cause_last(c),
		   *words = cause_other_line(c);
	bool ended = end->signal == 0 && !end->late;

	if (ended && outcome_exit_code(end, c) == 0)
		return;
	if (ended && *cause_first(c) != '\0') {
		buf_str(b, cause_first(c));
		if (*words != '\0')
			buf_printf(b,
			    "; another program printed before that: %s", words);
		return;
	}
	outcome_put_status(b, end, timeout);
	if (ended && *last != '\0' &&
	    !is_signal_text(get_killing_signal(end), last))
		buf_printf(b, ": %s", last);
}
