#include "secret.h"

#include "base/buf.h"
#include "base/stop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

enum { SECRET_MAX = 16 << 10 };

void
secret_guard(void)
{
	const struct rlimit none = { 0, 0 };

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
}

void
secret_free(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

static int
from_env(struct buf *b, const char *name, struct err *e)
{
	char *v = getenv(name);

	if (v == NULL || *v == '\0')
		return err_set(e, ERR_CONFIG, false,
		    "--secret env:%s: the variable is not set", name);
	buf_str(b, v);
	explicit_bzero(v, strlen(v));
	(void)unsetenv(name);
	return buf_check(b, e);
}

static int
read_all(struct buf *b, int fd, struct err *e)
{
	char room[4096];
	ssize_t n;

	while ((n = read(fd, room, sizeof(room))) != 0) {
		if (n == -1 && errno == EINTR && stop_signal() == 0)
			continue;
		if (n == -1)
			return err_errno(e, ERR_IO, "--secret");
		buf_add(b, room, (size_t)n);
	}
	explicit_bzero(room, sizeof(room));
	return buf_check(b, e);
}

static int
from_file(struct buf *b, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;

	if (fd == -1)
		return err_errno(e, ERR_INPUT, path);
	if (fstat(fd, &st) == 0 && (st.st_mode & 077) != 0)
		(void)fprintf(stderr, "etl-extract: warning: %s: others may "
		    "read this secret: chmod 600\n", path);
	rc = read_all(b, fd, e);
	(void)close(fd);
	return rc;
}

/* In the child: never returns. */
static void
command_run(const char *command, int out)
{
	int null = open("/dev/null", O_RDONLY);

	stop_reset();
	if (null == -1 || dup2(null, 0) == -1 || dup2(out, 1) == -1)
		_exit(127);
	(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int
command_ended(pid_t pid, const char *command, struct err *e)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return err_errno(e, ERR_IO, "--secret");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false,
	    "--secret cmd:%s: the command failed with %s %d", command,
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static int
from_command(struct buf *b, const char *command, struct err *e)
{
	int fd[2], rc;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "--secret");
	if ((pid = fork()) == -1) {
		(void)close(fd[0]);
		(void)close(fd[1]);
		return err_errno(e, ERR_IO, "--secret");
	}
	if (pid == 0)
		command_run(command, fd[1]);
	(void)close(fd[1]);
	rc = read_all(b, fd[0], e);
	(void)close(fd[0]);
	return command_ended(pid, command, e) == -1 ? -1 : rc;
}

static int
secret_check(struct buf *b, const char *from, struct err *e)
{
	while (b->len > 0 && (b->data[b->len - 1] == '\n' ||
	    b->data[b->len - 1] == '\r'))
		b->len--;
	if (b->len == 0)
		return err_set(e, ERR_CONFIG, false,
		    "--secret %s: empty", from);
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] < ' ' || b->data[i] == 0x7f)
			return err_set(e, ERR_CONFIG, false,
			    "--secret %s: holds a control character", from);
	return 0;
}

int
secret_get(char **to, const char *from, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SECRET_MAX);
	if (strncmp(from, "env:", 4) == 0)
		rc = from_env(&b, from + 4, e);
	else if (strncmp(from, "file:", 5) == 0)
		rc = from_file(&b, from + 5, e);
	else if (strncmp(from, "cmd:", 4) == 0)
		rc = from_command(&b, from + 4, e);
	else
		rc = err_set(e, ERR_USAGE, false,
		    "--secret: env:VAR, file:PATH or cmd:COMMAND");
	if (rc == 0)
		rc = secret_check(&b, from, e);
	if (rc == 0 && (*to = strdup(buf_text(&b))) == NULL)
		rc = err_nomem(e);
	if (b.data != NULL)
		explicit_bzero(b.data, b.cap);
	buf_release(&b);
	return rc;
}
