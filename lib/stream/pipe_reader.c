#include "pipe_reader.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINK = 64 };

static const char *const shells[] = {
	"sh", "ash", "bash", "dash", "ksh", "mksh", "yash", "zsh", NULL
};

/* These programs do not turn marks into records. Some pass lines on unchanged,
 * write no records, or start another program. The others are interpreters,
 * which may run a stage that knows marks (etl-record(5), A STAGE OF YOUR
 * OWN). */
static const char *const harmless[] = {
	"bzip2", "cat", "cmp", "dd", "diff", "docker", "doas", "env", "fish",
	"flock", "gpg", "gzip", "head", "ionice", "java", "kubectl", "less",
	"ltrace", "lua", "lz4", "mbuffer", "md5sum", "more", "nc", "ncat",
	"nice", "node", "nohup", "openssl", "perl", "php", "pigz", "podman",
	"pv", "python", "ruby", "setsid", "sha256sum", "sleep", "socat", "ssh",
	"stdbuf", "strace", "sudo", "tail", "tee", "timeout", "wc", "xz",
	"zstd", NULL
};

/* True if the name is in the list, without a version at its end: python3.11
 * counts as python. */
static bool
is_in_list(const char *name, const char *const *list)
{
	size_t n = strcspn(name, "0123456789");

	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0 ||
		    (n > 0 && strlen(*list) == n &&
		    strncmp(name, *list, n) == 0))
			return true;
	return false;
}

/* Reads the name of a process, which proc(5) calls comm. */
static bool
read_process_name(int proc, const char *pid, char name[READER_NAME])
{
	char path[LINK];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%.32s/comm", pid);
	if ((fd = openat(proc, path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, name, READER_NAME - 1);
	(void)close(fd);
	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (char *p = name; *p != '\0'; p++)   /* any program chooses its */
		if (!isgraph((unsigned char)*p))
			*p = '?';
	return n > 0;
}

/* Reads a link in /proc/PID: "fd/0" leads to the standard input, such as
 * "pipe:[1234]", and "exe" to the program file. Unless this user is root, it
 * fails for an etl program, which forbids other processes to read its
 * memory. */
static bool
read_link(int proc, const char *pid, const char *link, char text[PATH_MAX])
{
	char path[LINK];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.32s/%s", pid, link);
	n = readlinkat(proc, path, text, PATH_MAX - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* True if the process runs a script: its program file is a shell or another
 * interpreter. The name of such a process is the name of the script. */
static bool
runs_script(int proc, const char *pid)
{
	char exe[PATH_MAX];
	const char *slash;

	return read_link(proc, pid, "exe", exe) &&
	    (slash = strrchr(exe, '/')) != NULL &&
	    (is_in_list(slash + 1, shells) || is_in_list(slash + 1, harmless));
}

static bool
is_etl_program(int proc, const char *pid)
{
	char name[READER_NAME];

	return read_process_name(proc, pid, name) &&
	    strncmp(name, "etl-", 4) == 0;
}

/* Finds out what kind of program the reader is. For READER_FOREIGN also sets
 * `name`, and `out` to the pipe that is its standard output. */
static enum pipe_reader
classify_reader(int proc, const char *pid, char name[READER_NAME],
    char out[PATH_MAX])
{
	if (!read_process_name(proc, pid, name) ||
	    is_etl_program(proc, pid) || is_in_list(name, harmless))
		return READER_HARMLESS;
	if (is_in_list(name, shells))
		return READER_SHELL;
	return !runs_script(proc, pid) &&
	    read_link(proc, pid, "fd/1", out) &&
	    strncmp(out, "pipe:", 5) == 0 ? READER_FOREIGN : READER_HARMLESS;
}

/* Returns the next process of this program's process group, except this program
 * itself, or NULL. */
static const char *
next_process(DIR *dir)
{
	struct dirent *d;
	pid_t id;

	while ((d = readdir(dir)) != NULL) {
		id = (pid_t)strtol(d->d_name, NULL, 10);
		if (isdigit((unsigned char)d->d_name[0]) && id != getpid() &&
		    getpgid(id) == getpgrp())
			return d->d_name;
	}
	return NULL;
}

/* True if a process of the group may read the pipe: its standard input is the
 * pipe, or it is an etl program whose standard input cannot be read. In a
 * command substitution, $(...), no process has the pipe as standard input. */
static bool
may_have_reader(DIR *dir, const char *pipe)
{
	char in[PATH_MAX];
	const char *pid;

	rewinddir(dir);
	while ((pid = next_process(dir)) != NULL)
		if (read_link(dirfd(dir), pid, "fd/0", in) ?
		    strcmp(in, pipe) == 0 : errno == EACCES &&
		    is_etl_program(dirfd(dir), pid))
			return true;
	return false;
}

static enum pipe_reader
find_reader(DIR *dir, const char *pipe, char name[READER_NAME])
{
	enum pipe_reader found = READER_NONE, one;
	char in[PATH_MAX], out[PATH_MAX];
	const char *pid;

	while ((pid = next_process(dir)) != NULL) {
		if (!read_link(dirfd(dir), pid, "fd/0", in) ||
		    strcmp(in, pipe) != 0)
			continue;
		one = classify_reader(dirfd(dir), pid, name, out);
		if (one == READER_FOREIGN)
			return may_have_reader(dir, out) ?
			    READER_FOREIGN : READER_HARMLESS;
		if (one > found)
			found = one;
	}
	return found;
}

enum pipe_reader
pipe_reader_find(char name[READER_NAME])
{
	enum pipe_reader found;
	char pipe[LINK];
	struct stat st;
	DIR *dir;

	if (fstat(STDOUT_FILENO, &st) == -1 || !S_ISFIFO(st.st_mode) ||
	    (dir = opendir("/proc")) == NULL)
		return READER_HARMLESS;
	(void)snprintf(pipe, sizeof(pipe), "pipe:[%llu]",
	    (unsigned long long)st.st_ino);
	found = find_reader(dir, pipe, name);
	(void)closedir(dir);
	return found;
}
