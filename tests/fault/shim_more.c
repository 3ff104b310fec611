/* Files by name, processes, and memory that the program itself asks for. */
#include "shim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only of the program: what libraries do about it is their affair. */
#define MEMORY(name, ...) \
	if (meet_ours(CALLER) && meet("memory", -1, 0, CALLER) == -1) \
		return NULL; \
	return NEXT(name)(__VA_ARGS__)

PASS(fstat, fd, (int fd, struct stat *st), fd, st)
PASS(stat, -1, (const char *restrict path, struct stat *restrict st), path, st)
PASS(fstatat, -1, (int dir, const char *restrict path,
    struct stat *restrict st, int flags), dir, path, st, flags)
PASS(pipe2, -1, (int out[2], int flags), out, flags)
PASS(dup2, from, (int from, int to), from, to)
PASS(dup3, from, (int from, int to, int flags), from, to, flags)
PASS(fork, -1, (void), )
PASS(mkostemp, -1, (char *path, int flags), path, flags)

/* A question that does not wait is no point. */
pid_t
waitpid(pid_t pid, int *status, int flags)
{
	if ((flags & WNOHANG) == 0 && meet("waitpid", -1, 0, CALLER) == -1)
		return -1;
	return NEXT(waitpid)(pid, status, flags);
}

int
waitid(idtype_t type, id_t id, siginfo_t *info, int flags)
{
	if ((flags & WNOHANG) == 0 && meet("waitid", -1, 0, CALLER) == -1)
		return -1;
	return NEXT(waitid)(type, id, info, flags);
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

/* asprintf(3) as it is called in a build with -D_FORTIFY_SOURCE. */
int asprintf_chk(char **out, int flag, const char *fmt, ...)
    __asm__("__asprintf_chk") __attribute__((format(printf, 3, 4)));

/* Does the work of vasprintf(), unless this call is to fail. */
static int __attribute__((format(printf, 2, 0)))
faulty_asprintf(char **out, const char *fmt, va_list ap, const void *caller)
{
	*out = NULL;
	if (meet_ours(caller) && meet("memory", -1, 0, caller) == -1)
		return -1;
	return vasprintf(out, fmt, ap);
}

int
asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = faulty_asprintf(out, fmt, ap, CALLER);
	va_end(ap);
	return n;
}

int
asprintf_chk(char **out, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = faulty_asprintf(out, fmt, ap, CALLER);
	va_end(ap);
	return n;
}
