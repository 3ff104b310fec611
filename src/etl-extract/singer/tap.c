#include "singer/tap.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/stop.h"
#include "common/options.h"
#include "common/stdout_reader.h"
#include "control/checkpoints.h"
#include "cursor/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int
tap_check(const struct extract_opts *o, size_t n, struct err *e)
{
	if (n == 0)
		return err_set(e, ERR_USAGE, false, "--singer needs the "
		    "command of a tap after it, such as --singer tap-github "
		    "--config config.json");
	if (source_options_check(o, KIND_TAP, e) == -1)
		return -1;
	if (o->checkpoint == NULL)
		return cursor_refuse(o, e);
	return checkpoint_check_name(o->checkpoint, strlen(o->checkpoint), e) ==
	    -1 ? -1 : cursor_check_store(o, e);
}

/* Other programs accept a mark of up to twice --max-record. A checkpoint mark
 * has two values, and JSON escapes may double the length of each. So a value
 * may have half of --max-record. */
enum { VALUES_IN_RECORD = 2 };

static int
fail_long_state(const struct extract_opts *o, size_t n, struct err *e)
{
	return err_set(e, ERR_DATA, false, "the tap's STATE of %zu bytes is "
	    "too long: it may have at most half the bytes of --max-record (%"
	    PRIu64 "): raise --max-record", n, o->max_record);
}

static int
fail_not_state(const struct tap_state *t, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "checkpoint %.64s: its value "
	    "'%.200s' is not a STATE of a Singer tap, which is a JSON object: "
	    "give another name to --checkpoint, or store a STATE with "
	    "etl-checkpoint set", t->o->checkpoint, t->stored);
}

/* Checks that the stored checkpoint is a JSON object. It counts as the STATE of
 * the last mark. */
static int
take_stored(struct tap_state *t, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	int rc = json_scan(&j, t->stored, strlen(t->stored), 0, JSON_LAST, &f);

	if (rc == 0 && j.tok[0].type != JSON_OBJECT)
		rc = -1;
	json_release(&j);
	if (rc == -1)
		return f.nomem ? err_nomem(e) : fail_not_state(t, e);
	buf_str(&t->marked, t->stored);
	if (t->marked.full)
		return fail_long_state(t->o, strlen(t->stored), e);
	return buf_check(&t->marked, e);
}

int
tap_state_init(struct tap_state *t, const struct extract_opts *o, struct err *e)
{
	const size_t longest = o->max_record / VALUES_IN_RECORD;

	*t = (struct tap_state){ .o = o, .marked_at = clock_ms() };
	buf_init(&t->marked, longest);
	buf_init(&t->held, longest);
	if (o->checkpoint == NULL)
		return 0;
	if (cursor_stored_read(o, &t->stored, &t->version, e) == -1)
		return -1;
	return t->stored == NULL ? 0 : take_stored(t, e);
}

void
tap_state_release(struct tap_state *t)
{
	buf_release(&t->marked);
	buf_release(&t->held);
	free(t->stored);
	t->stored = NULL;
}

static bool
is_marked(const struct tap_state *t, const char *value, size_t n)
{
	return t->marked.len == n && memcmp(t->marked.data, value, n) == 0;
}

/* Stores a STATE for the next mark. A STATE that equals the one of the last
 * mark gets no mark, because the loader may commit at a mark: the next run
 * would start from the same STATE, read the committed records again, and load
 * them twice. */
int
tap_state_hold(struct tap_state *t, const char *value, size_t n, struct err *e)
{
	t->has_open_records = false;
	t->is_held = false;
	if (t->o->checkpoint == NULL || is_marked(t, value, n))
		return 0;
	buf_clear(&t->held);
	buf_add(&t->held, value, n);
	if (t->held.full)
		return fail_long_state(t->o, n, e);
	if (buf_check(&t->held, e) == -1)
		return -1;
	t->is_held = true;
	return 0;
}

void
tap_state_note_record(struct tap_state *t)
{
	t->is_held = false;
	t->has_open_records = true;
	t->since_mark++;
}

int
tap_state_wait_ms(const struct tap_state *t)
{
	int64_t left = t->marked_at + MARK_MS - clock_ms();

	if (!t->is_held)
		return -1;
	return t->since_mark >= MARK_RECORDS || left <= 0 ? 0 : (int)left;
}

int
tap_state_write_mark(
    struct tap_state *t, struct stage *s, struct err *e)
{
	const struct checkpoint_mark m = { .name = t->o->checkpoint,
	    .value = buf_text(&t->held), .from = t->stored,
	    .version = (uint64_t)t->version };

	if (t->o->checkpoint != NULL)
		stage_set_version(s, (uint64_t)t->version);
	if (!t->is_held)
		return 0;
	if (buf_check(&t->held, e) == -1)
		return -1;
	buf_clear(&t->marked);
	buf_add(&t->marked, t->held.data, t->held.len);
	if (buf_check(&t->marked, e) == -1)
		return -1;
	t->is_held = false;
	t->since_mark = 0;
	t->marked_at = clock_ms();
	return stage_checkpoint(s, &m, e);
}

enum { GRACE_MS = 1000 };       /* from SIGTERM to SIGKILL */

/* The guard process. It is the leader of the process group, so the kernel does
 * not give the number of the group to others while the guard exists. It ignores
 * the signals that it sends to the group. It closes all other descriptors:
 * otherwise the reader of etl-extract's output would not see the end of the
 * output. */
static _Noreturn void
run_guard(int fd)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	char byte;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	if (setpgid(0, 0) == -1 || dup2(fd, STDIN_FILENO) == -1)
		_exit(1);
	(void)close_range(STDIN_FILENO + 1, ~0U, 0);
	while (read(STDIN_FILENO, &byte, 1) == -1 &&
	    (errno == EINTR || errno == EAGAIN))
		continue;
	(void)kill(0, SIGTERM);
	(void)kill(0, SIGCONT);
	(void)poll(NULL, 0, GRACE_MS);
	(void)kill(0, SIGKILL);
	_exit(0);
}

static int
guard_start(struct guard *g, struct err *e)
{
	int fd[2];

	*g = (struct guard){ .pipe = -1 };
	if (pipe2(fd, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "pipe");
	if ((g->pid = fork()) == 0)
		run_guard(fd[0]);
	(void)close(fd[0]);
	g->pipe = fd[1];
	if (g->pid == -1) {
		g->pid = 0;
		(void)err_errno(e, ERR_IO, "fork");
		e->transient = true;
		return -1;
	}
	(void)setpgid(g->pid, g->pid);
	return 0;
}

/* Kills the guard and all processes that are still in its group. */
static void
guard_end(struct guard *g)
{
	if (g->pid > 0) {
		(void)kill(-g->pid, SIGKILL);
		while (waitpid(g->pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	if (g->pipe != -1)
		(void)close(g->pipe);
	*g = (struct guard){ .pipe = -1 };
}

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
