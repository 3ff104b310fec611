#include "singer/tap.h"

#include "base/temp_file.h"
#include "base/wait.h"
#include "stdout_reader.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns a descriptor of a file that has the bytes of the STATE. The file has
 * no name, so nothing is left behind, however etl-extract ends. */
static int
write_state_file(const char *state, struct err *e)
{
	const size_t n = strlen(state);
	int fd = temp_file_open_unnamed(e);
	ssize_t done = 1;

	for (size_t at = 0; fd != -1 && at < n && done > 0; at += (size_t)done)
		done = write(fd, state + at, n - at);
	if (fd == -1 || done > 0)
		return fd;
	(void)err_errno(e, ERR_IO, "the file for --state");
	(void)close(fd);
	return -1;
}

/* The tap inherits the descriptor, and finds the file by the name that it has
 * in /dev/fd. fd is 0 if there is no file. */
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
	child_stop(&t->child);
	guard_end_with_group(&t->guard);
	free(t->argv);
	t->argv = NULL;
}

int
tap_wait(const struct tap *t, int timeout_ms, struct err *e)
{
	struct pollfd fds[] = {
		{ .fd = t->child.out, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
		{ .fd = t->child.out == -1 ? t->child.pidfd : -1,
		    .events = POLLIN }
	};

	if (wait_fds_or_stop(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms) ==
		-1 || fds[1].revents != 0)
		return set_stop_or_reader_gone_error(e);
	return 0;
}

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
