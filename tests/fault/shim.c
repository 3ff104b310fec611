#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIZE = 4 << 20, NAMES = 64, TEXT = 8192 };

/* Shared by a program and its children. */
struct shared {
	unsigned used;                  /* of the text */
	struct {
		char name[24];
		unsigned count;
	} calls[NAMES];
};

static struct {
	struct shared *shared;          /* NULL: stands aside */
	const char *call;
	unsigned at;
	int how;
	bool ever, log;
	uintptr_t from, to, base;       /* the program's code */
} shim;

static int
find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	shim.base = info->dlpi_addr;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || (p->p_flags & PF_X) == 0)
			continue;
		shim.from = shim.base + p->p_vaddr;
		shim.to = shim.from + p->p_memsz;
	}
	return 1;
}

static long
number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtol(text, NULL, 10) : 0;
}

static void __attribute__((constructor))
start(void)
{
	const char *program = getenv("FAULT_PROGRAM");
	const char *file = getenv("FAULT_STATE");
	void *p;
	int fd;

	if (program == NULL || file == NULL ||
	    strcmp(program, program_invocation_short_name) != 0)
		return;
	(void)dl_iterate_phdr(find_program, NULL);
	shim.call = getenv("FAULT_CALL");
	shim.at = (unsigned)number("FAULT_AT");
	shim.how = (int)number("FAULT_HOW");
	shim.ever = number("FAULT_EVER") != 0;
	shim.log = number("FAULT_LOG") != 0;
	fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		_exit(99);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)syscall(SYS_close, fd);
	if (p == MAP_FAILED)
		_exit(99);
	shim.shared = p;
}

bool
meet_ours(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	return shim.shared != NULL && at >= shim.from && at < shim.to;
}

static unsigned
count(const char *name)
{
	for (size_t i = 0; i < NAMES; i++) {
		char *known = shim.shared->calls[i].name;

		if (*known == '\0')
			(void)snprintf(known, 24, "%s", name);
		if (strcmp(known, name) == 0)
			return __atomic_add_fetch(
			    &shim.shared->calls[i].count, 1,
			    __ATOMIC_RELAXED);
	}
	return 0;
}

/* Pipes of the program's own: loose ones are those that it has made O_NONBLOCK.
 * Calls on either are counted by themselves: how many come before another
 * call is a matter of time. */
static const char *
kind_of(int fd)
{
	struct stat st;

	if (fd < 0 || syscall(SYS_fstat, fd, &st) != 0)
		return "-";
	if (S_ISFIFO(st.st_mode))
		return fd < 4 ? "pipe" : (syscall(SYS_fcntl, fd, F_GETFL) &
		    O_NONBLOCK) != 0 ? "loose-pipe" : "own-pipe";
	return S_ISREG(st.st_mode) ? "file" :
	    S_ISSOCK(st.st_mode) ? "socket" : S_ISCHR(st.st_mode) ? "device" :
	    "other";
}

static void
tell(const char *how, const char *name, unsigned n, int fd, const void *caller)
{
	uintptr_t base = shim.base;
	const char *module = "program";
	char line[200];
	unsigned at;
	Dl_info info;
	int len;

	if (!meet_ours(caller) && dladdr(caller, &info) != 0) {
		const char *slash = strrchr(info.dli_fname, '/');

		module = slash != NULL ? slash + 1 : info.dli_fname;
		base = (uintptr_t)info.dli_fbase;
	}
	len = snprintf(line, sizeof(line), "%s%s %u %s %s %lx\n", how, name, n,
	    kind_of(fd), module, (unsigned long)((uintptr_t)caller - base));
	at = __atomic_fetch_add(&shim.shared->used, (unsigned)len,
	    __ATOMIC_RELAXED);
	if (len > 0 && at + (unsigned)len < SIZE - TEXT)
		memcpy((char *)shim.shared + TEXT + at, line, (size_t)len);
}

static bool
is_it(const char *name, unsigned n)
{
	return shim.call != NULL && strcmp(shim.call, name) == 0 &&
	    (n == shim.at || (shim.ever && n > shim.at));
}

long
meet(const char *name, int fd, size_t n, const void *caller)
{
	int was = errno;
	const char *kind;
	char own[24];
	unsigned at;

	if (shim.shared == NULL)
		return (long)n;
	kind = n > 0 ? kind_of(fd) : "";
	if (strstr(kind, "-pipe") != NULL) {
		(void)snprintf(own, sizeof(own), "%.*s%s",
		    (int)strcspn(kind, "p"), kind, name);
		name = own;
	}
	at = count(name);
	if (is_it(name, at)) {
		tell("hit ", name, at, fd, caller);
		/* What is gone for one call is gone for the next. */
		if (shim.how == ECONNRESET)
			(void)syscall(SYS_shutdown, fd, SHUT_RDWR);
		errno = shim.how != 0 ? shim.how : was;
		if (shim.how != 0)
			return -1;
		return n < 2 ? (long)n : at % 2 == 0 ? 1 : (long)n / 2;
	}
	if (shim.log)
		tell("", name, at, fd, caller);
	errno = was;
	return (long)n;
}
