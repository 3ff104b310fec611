#include "http/secret.h"

#include "base/file.h"
#include "base/stop.h"
#include "common/stdout_reader.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

enum { SECRET_MAX = 16 << 10 };

void
secret_free(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

void
secret_release_buf(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_release(b);
}

/* Reads an environment variable. Then blanks it and removes it from the
 * environment. */
static int
read_env(struct buf *b, const char *name, struct err *e)
{
	char *v = getenv(name);

	if (v == NULL || *v == '\0')
		return err_set(e, ERR_CONFIG, false,
		    "--secret env:%s: the variable is not set or is empty",
		    name);
	buf_str(b, v);
	explicit_bzero(v, strlen(v));
	(void)unsetenv(name);
	return buf_check(b, e);
}

/* Fails if there is more input than b->max bytes. A stop signal ends the wait
 * for input. */
static int
read_to_eof(struct buf *b, int fd, const char *from, struct err *e)
{
	char room[4096];
	ssize_t n = -1;

	while (!b->failed && n != 0) {
		if (wait_fd(fd, POLLIN, -1) == -1)
			return fail_interrupted(e);
		n = read(fd, room, sizeof(room));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_errno(e, ERR_INPUT, from);
		buf_add(b, room, (size_t)n);
	}
	explicit_bzero(room, sizeof(room));
	if (b->full)
		return err_set(e, ERR_CONFIG, false, "%s: the content is "
		    "longer than %zu bytes", from, b->max);
	return buf_check(b, e);
}

int
secret_read_fd(struct buf *b, int fd, const char *from, struct err *e)
{
	int rc = fd == -1 ? err_errno(e, ERR_INPUT, from) :
	    read_to_eof(b, fd, from, e);

	if (fd != -1)
		(void)close(fd);
	return rc;
}

static int
read_from_file(struct buf *b, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	file_warn_access("etl-extract", fd, path);
	return secret_read_fd(b, fd, path, e);
}

/* Starts the command with stdout_fd as its standard output. Returns 0 or an
 * errno: posix_spawn() also returns errors that occur in the child before it
 * executes the shell. The cast removes const, which is safe: posix_spawn() does
 * not change the arguments. */
static int
spawn_command(pid_t *pid, const char *command, int stdout_fd)
{
	char shell[] = "sh", option[] = "-c";
	char *const argv[] = { shell, option, (char *)(uintptr_t)command,
	    NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all;
	int rc;

	(void)sigfillset(&all);
	if ((rc = posix_spawnattr_init(&attributes)) != 0)
		return rc;
	if ((rc = posix_spawn_file_actions_init(&actions)) != 0)
		goto out;
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	if ((rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
		"/dev/null", O_RDONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&actions, stdout_fd,
		STDOUT_FILENO)) == 0)
		rc = posix_spawn(pid, "/bin/sh", &actions, &attributes, argv,
		    environ);
	(void)posix_spawn_file_actions_destroy(&actions);
out:
	(void)posix_spawnattr_destroy(&attributes);
	return rc;
}

/* Waits for the command's exit. If the caller could not read the command's
 * output (was_read is false), ends the command and returns -1; the caller has
 * set *e in this case. */
static int
wait_for_command(pid_t pid, bool was_read, const char *command, struct err *e)
{
	int status;

	if (!was_read)
		(void)kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return err_errno(e, ERR_IO, "--secret");
	if (!was_read)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false,
	    "--secret cmd:%s: the command failed with %s %d", command,
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static int
read_from_command(struct buf *b, const char *command, struct err *e)
{
	int fd[2], rc;
	pid_t pid;
	bool was_read;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "--secret");
	rc = spawn_command(&pid, command, fd[1]);
	(void)close(fd[1]);
	if (rc != 0) {
		(void)close(fd[0]);
		errno = rc;
		return err_errno(e, ERR_IO, "--secret cmd");
	}
	was_read = secret_read_fd(b, fd[0], "--secret cmd", e) == 0;
	return wait_for_command(pid, was_read, command, e);
}

/* Removes line ends at the end of the secret. Then fails if the secret is empty
 * or has a control character. */
static int
strip_secret(struct buf *b, const char *from, struct err *e)
{
	while (b->len > 0 && (b->data[b->len - 1] == '\n' ||
	    b->data[b->len - 1] == '\r'))
		b->len--;
	if (b->len == 0)
		return err_set(e, ERR_CONFIG, false,
		    "--secret %s: the secret is empty", from);
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] < ' ' || b->data[i] == 0x7f)
			return err_set(e, ERR_CONFIG, false,
			    "--secret %s: the secret contains a control "
			    "character or more than one line", from);
	return 0;
}

int
secret_load(char **to, const char *from, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SECRET_MAX);
	if (strncmp(from, "env:", 4) == 0)
		rc = read_env(&b, from + 4, e);
	else if (strncmp(from, "file:", 5) == 0)
		rc = read_from_file(&b, from + 5, e);
	else if (strncmp(from, "cmd:", 4) == 0)
		rc = read_from_command(&b, from + 4, e);
	else
		rc = err_set(e, ERR_USAGE, false,
		    "--secret: it must be env:VAR, file:PATH or cmd:COMMAND, "
		    "not the secret itself");
	if (rc == 0)
		rc = strip_secret(&b, from, e);
	if (rc == 0 && (*to = strdup(buf_text(&b))) == NULL)
		rc = err_nomem(e);
	secret_release_buf(&b);
	return rc;
}
