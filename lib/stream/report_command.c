#include "stream/report_command.h"

#include "base/file.h"
#include "base/hash.h"
#include "json/write.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMAND_LINE_MAX = 16 << 20 };

/* Appends the arguments of this program, each with a NUL at its end. */
static int
put_arguments(struct buf *b, struct err *e)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	int rc = -1;

	if (fd != -1)
		rc = file_read_fd(b, fd, "/proc/self/cmdline", ERR_IO, e);
	if (fd != -1)
		(void)close(fd);
	return rc;
}

static bool
has_argument_dash(const struct buf *arguments)
{
	return memmem(arguments->data, arguments->len, "\0-", 3) != NULL;
}

static int
compare_variables(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* True if the shell itself sets the variable. Its value may change even if the
 * same command is run again. */
static bool
is_shell_variable(const char *variable)
{
	static const char *const names[] = { "_=", "OLDPWD=", "PWD=",
		"SHLVL=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Adds the environment, because it can decide what a command reads: for example
 * DATABASE_URL. A shell may pass the variables in another order each time, so
 * sorts them. */
static int
hash_environment(struct hash *h)
{
	size_t n = 0, used = 0;
	char **sorted;

	while (environ != NULL && environ[n] != NULL)
		n++;
	if ((sorted = calloc(n + 1, sizeof(*sorted))) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!is_shell_variable(environ[i]))
			sorted[used++] = environ[i];
	qsort(sorted, used, sizeof(*sorted), compare_variables);
	for (size_t i = 0; i < used; i++)
		hash_add(h, sorted[i], strlen(sorted[i]) + 1);
	free(sorted);
	return 0;
}

/* Adds the hash of the arguments, the folder and the environment. */
static void
put_command_hash(struct buf *b, const struct buf *arguments)
{
	char folder[PATH_MAX] = "", hex[HASH_HEX];
	struct hash *h;
	int rc;

	if (getcwd(folder, sizeof(folder)) == NULL || (h = hash_new()) == NULL)
		return;
	hash_add(h, arguments->data, arguments->len);
	hash_add(h, folder, strlen(folder) + 1);
	rc = hash_environment(h);
	hash_finish(h, hex);
	if (rc == 0)
		json_put_text(b, "command", hex);
}

/* Adds the device and inode of a file. Also adds its size and the time of its
 * last change, because a script may have written other records to it. */
static bool
hash_file(struct hash *h, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return false;
	hash_add(h, &st->st_dev, sizeof(st->st_dev));
	hash_add(h, &st->st_ino, sizeof(st->st_ino));
	hash_add(h, &st->st_size, sizeof(st->st_size));
	hash_add(h, &st->st_mtim, sizeof(st->st_mtim));
	return true;
}

/* Adds standard input, and the position in it: a program that failed may have
 * read a part of it. Another program with the same arguments then reads only
 * the rest, and is not a repetition. */
static bool
hash_stdin(struct hash *h)
{
	off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	struct stat st;

	if (fstat(STDIN_FILENO, &st) == -1 || !hash_file(h, &st))
		return false;
	hash_add(h, &at, sizeof(at));
	return true;
}

/* Adds each argument that is the name of a file: the program probably reads it.
 * Leaves out the file of --rejects, which is only written. */
static void
put_files_hash(struct buf *b, const struct buf *arguments)
{
	const char *p = arguments->data, *end = p + arguments->len;
	bool any, written = true;       /* skips the first argument, the name of
	                                 * this program */
	struct hash *h = hash_new();
	char hex[HASH_HEX];
	struct stat st;

	if (h == NULL)
		return;
	any = hash_stdin(h);
	for (; p < end; p += strlen(p) + 1) {
		if (!written && stat(p, &st) == 0)
			any |= hash_file(h, &st);
		written = strcmp(p, "--rejects") == 0;
	}
	hash_finish(h, hex);
	if (any)
		json_put_text(b, "files", hex);
}

static void
put_pipe_name(struct buf *b, const char *member, const struct stat *st)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%llx:%llx",
	    (unsigned long long)st->st_dev, (unsigned long long)st->st_ino);
	json_put_text(b, member, name);
}

/* Adds the names of the pipes that are standard input and output. */
static void
put_pipes(struct buf *b, bool reads)
{
	struct stat st;

	if (reads && fstat(STDIN_FILENO, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
		json_put_raw(b, "pipe", "true", 4);
		put_pipe_name(b, "in", &st);
	}
	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
		put_pipe_name(b, "out", &st);
}

void
report_put_command(struct buf *b, bool is_source)
{
	struct buf arguments;
	struct err none;

	buf_init(&arguments, COMMAND_LINE_MAX);
	if (put_arguments(&arguments, &none) == 0 && arguments.len > 0 &&
	    arguments.data[arguments.len - 1] == '\0') {
		put_command_hash(b, &arguments);
		put_files_hash(b, &arguments);
		put_pipes(b, !is_source || has_argument_dash(&arguments));
	}
	buf_release(&arguments);
}
