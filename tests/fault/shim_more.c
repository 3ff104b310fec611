/* Files by name, processes, and memory that the program itself asks for. */
#include "shim.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASS(name, fd, ...) \
	if (meet(#name, fd, 0, CALLER) == -1) \
		return -1; \
	return NEXT(name)(__VA_ARGS__)
/* Only of the program: what libraries do about it is their affair. */
#define MEMORY(name, ...) \
	if (meet_ours(CALLER) && meet("memory", -1, 0, CALLER) == -1) \
		return NULL; \
	return NEXT(name)(__VA_ARGS__)

int
fstat(int fd, struct stat *st)
{
	PASS(fstat, fd, fd, st);
}

int
stat(const char *restrict path, struct stat *restrict st)
{
	PASS(stat, -1, path, st);
}

int
fstatat(int dir, const char *restrict path, struct stat *restrict st,
    int flags)
{
	PASS(fstatat, -1, dir, path, st, flags);
}

int
pipe2(int out[2], int flags)
{
	PASS(pipe2, -1, out, flags);
}

int
dup2(int from, int to)
{
	PASS(dup2, from, from, to);
}

int
dup3(int from, int to, int flags)
{
	PASS(dup3, from, from, to, flags);
}

pid_t
fork(void)
{
	PASS(fork, -1);
}

pid_t
waitpid(pid_t pid, int *status, int flags)
{
	if ((flags & WNOHANG) != 0)
		return NEXT(waitpid)(pid, status, flags);
	PASS(waitpid, -1, pid, status, flags);
}

int
waitid(idtype_t type, id_t id, siginfo_t *info, int flags)
{
	if ((flags & WNOHANG) != 0)
		return NEXT(waitid)(type, id, info, flags);
	PASS(waitid, -1, type, id, info, flags);
}

int
mkostemp(char *path, int flags)
{
	PASS(mkostemp, -1, path, flags);
}

FILE *
tmpfile(void)
{
	if (meet("tmpfile", -1, 0, CALLER) == -1)
		return NULL;
	return NEXT(tmpfile)();
}

FILE *
fopen(const char *restrict path, const char *restrict mode)
{
	if (meet("fopen", -1, 0, CALLER) == -1)
		return NULL;
	return NEXT(fopen)(path, mode);
}

void *
malloc(size_t n)
{
	MEMORY(malloc, n);
}

void *
calloc(size_t n, size_t size)
{
	MEMORY(calloc, n, size);
}

void *
realloc(void *p, size_t n)
{
	MEMORY(realloc, p, n);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	MEMORY(reallocarray, p, n, size);
}

char *
strdup(const char *s)
{
	char *copy;

	if (meet_ours(CALLER) && meet("memory", -1, 0, CALLER) == -1)
		return NULL;
	copy = NEXT(strdup)(s);
	return copy;
}

char *
strndup(const char *s, size_t n)
{
	MEMORY(strndup, s, n);
}

char *
realpath(const char *restrict path, char *restrict out)
{
	MEMORY(realpath, path, out);
}

/* getline(3) as libc names it. */
ssize_t getdelim_of(char **line, size_t *cap, int end, FILE *f)
    __asm__("__getdelim");

ssize_t
getdelim_of(char **line, size_t *cap, int end, FILE *f)
{
	if (meet_ours(CALLER) && meet("memory", -1, 0, CALLER) == -1)
		return -1;
	return NEXT(getdelim)(line, cap, end, f);
}

int
asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int n;

	*out = NULL;
	if (meet_ours(CALLER) && meet("memory", -1, 0, CALLER) == -1)
		return -1;
	va_start(ap, fmt);
	n = vasprintf(out, fmt, ap);
	va_end(ap);
	return n;
}
