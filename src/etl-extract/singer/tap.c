#include "singer/tap.h"

#include "base/clock.h"
#include "base/temp_file.h"
#include "base/wait.h"
#include "stdout_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns a descriptor of a file that contains the STATE. The file has no name,
 * so it disappears when etl-extract ends, even after SIGKILL. */
static int
write_state_file(const char *state, struct err *e)
{
	const size_t n = strlen(state);
	int fd = temp_file_open(e);
	ssize_t done = 1;

	for (size_t at = 0; fd != -1 && at < n && done > 0; at += (size_t)done)
		done = write(fd, state + at, n - at);
	if (fd == -1 || done > 0)
		return fd;
	(void)err_errno(e, ERR_IO, "the file for --state");
	(void)close(fd);
	return -1;
}

/* Makes the command line of the tap. fd is the file with the STATE, or 0 if
 * there is none. The tap inherits fd and opens it as /dev/fd/N. */
static int
make_command(struct tap *t, char *const *command, int fd, struct err *e)
{
	size_t n = 0;

	while (command[n] != NULL)
		n++;
	if ((t->argv = calloc(n + 3, sizeof(*t->argv))) == NULL)
		return err_nomem(e);
	memcpy(t->argv, command, n * sizeof(*t->argv));
	if (fd == 0)
		return 0;
	(void)snprintf(t->state_path, sizeof(t->state_path), "/dev/fd/%d", fd);
	t->argv[n] = t->state_option;
	t->argv[n + 1] = t->state_path;
	return 0;
}

int
tap_start(struct tap *t, char *const *command, const char *state,
    size_t max_line, struct err *e)
{
	int fd = 0, rc;

	*t = (struct tap){ .guard.pipe = -1, .state_option = "--state" };
	child_init(&t->child);
	if (state != NULL && (fd = write_state_file(state, e)) == -1)
		return -1;
	rc = make_command(t, command, fd, e);
	if (rc == 0)
		rc = guard_start(&t->guard, e);
	if (rc == 0)
		rc = child_start(&t->child, &(struct child_conf){
		    .argv = t->argv, .max_line = max_line,
		    .group = t->guard.pid, .keeps_fd = fd }, e);
	if (fd != 0)
		(void)close(fd);
	return rc;
}

void
tap_close(struct tap *t)
{
	child_kill(&t->child);
	guard_end(&t->guard);
	free(t->argv);
	t->argv = NULL;
}

/* The command of a tap may be a shell that does not wait for its last filter.
 * After the shell has exited, the filter may be silent for up to this time. */
enum { QUIET_MS = 5000 };

/* Replaces the output of the tap by an empty file, so that the next read
 * returns the end. Prints a warning. */
static int
end_quiet_output(struct tap *t, struct err *e)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd == -1 || dup3(fd, t->child.out, O_CLOEXEC) == -1) {
		(void)err_errno(e, ERR_IO, "/dev/null");
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	(void)close(fd);
	err_warnf("etl-extract", "%s: the tap has exited, but a process that "
	    "it started keeps its standard output open, and has written "
	    "nothing for %d seconds: it is ended; if it is to write records, "
	    "the tap must wait for it", t->child.name, QUIET_MS / 1000);
	return 0;
}

/* Returns how many ms to wait for output: timeout_ms or, if the tap has exited,
 * at most the rest of QUIET_MS. -1: no limit. */
static int
output_wait_ms(struct tap *t, int timeout_ms)
{
	int64_t left;

	(void)child_has_ended(&t->child);
	if (!t->child.has_exited || t->child.out == -1)
		return timeout_ms;
	if (t->quiet_since == 0)
		t->quiet_since = clock_ms();
	left = t->quiet_since + QUIET_MS - clock_ms();
	if (left < 0)
		left = 0;
	return timeout_ms == -1 || left < timeout_ms ? (int)left : timeout_ms;
}

int
tap_wait(struct tap *t, int timeout_ms, struct err *e)
{
	const int limit = output_wait_ms(t, timeout_ms);
	struct pollfd fds[] = {
		{ .fd = t->child.out, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
		{ .fd = t->child.has_exited ? -1 : t->child.pidfd,
		    .events = POLLIN }
	};

	if (wait_fds(fds, sizeof(fds) / sizeof(fds[0]), limit) == -1 ||
	    fds[1].revents != 0)
		return fail_interrupted(e);
	if (fds[0].revents != 0)
		t->quiet_since = 0;
	return t->quiet_since == 0 ||
	    clock_ms() < t->quiet_since + QUIET_MS ? 0 : end_quiet_output(t, e);
}

/* Fails if a signal killed the tap, or if its exit status is not 0. */
static int
check_exit(const struct child *c, struct err *e)
{
	const char *name = sigabbrev_np(c->signal);

	if (c->signal != 0)
		return err_set(e, ERR_REFUSED, false, "%s: the tap was killed "
		    "by signal %s", c->name, name != NULL ? name : "unknown");
	if (c->status == ERR_RETRY)
		return err_set(e, ERR_RETRY, true, "%s: the tap exited with "
		    "status 75: it may succeed later", c->name);
	if (c->status != 0)
		return err_set(e, ERR_REFUSED, false, "%s: the tap exited with "
		    "status %d: see its messages", c->name, c->status);
	return 0;
}

int
tap_check_end(struct tap *t, struct err *e)
{
	child_close_fd(&t->child.out);
	while (!child_has_ended(&t->child))
		if (tap_wait(t, -1, e) == -1)
			return -1;
	return check_exit(&t->child, e);
}
