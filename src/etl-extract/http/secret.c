#include "http/secret.h"

#include "base/stop.h"
#include "base/wait.h"
#include "stdout_reader.h"

#include <errno.h>
#include <signal.h>
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

/* No more than b takes. A stop signal ends the wait. */
static int
read_all(struct buf *b, int fd, const char *from, struct err *e)
{
	char room[4096];
	ssize_t n = -1;

	while (!b->failed && n != 0) {
		if (wait_fd(fd, POLLIN, -1) == -1)
			return reader_stop_error(e);
		n = read(fd, room, sizeof(room));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_errno(e, ERR_INPUT, from);
		buf_add(b, room, (size_t)n);
	}
	explicit_bzero(room, sizeof(room));
	if (b->full)
		return err_set(e, ERR_CONFIG, false, "%s: longer than %zu "
		    "bytes", from, b->max);
	return buf_check(b, e);
}

int
secret_read(struct buf *b, int fd, const char *from, struct err *e)
{
	int rc = fd == -1 ? err_errno(e, ERR_INPUT, from) :
	    read_all(b, fd, from, e);

	if (fd != -1)
		(void)close(fd);
	return rc;
}

static int
from_file(struct buf *b, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 077) != 0)
		err_warnf("etl-extract", "%s: others may read this secret: "
		    "chmod 600", path);
	return secret_read(b, fd, path, e);
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
command_ended(pid_t pid, bool read, const char *command, struct err *e)
{
	int status;

	if (!read)
		(void)kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return err_errno(e, ERR_IO, "--secret");
	if (!read)
		return -1;
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
	int fd[2];
	pid_t pid;
	bool read;

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
	read = secret_read(b, fd[0], "--secret cmd", e) == 0;
	return command_ended(pid, read, command, e);
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
