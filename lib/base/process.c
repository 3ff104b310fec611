#include "base/process.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

enum { LARGE = 1 << 20 };

void
memory_trim_large(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * LARGE);
}

static void
set_limit(uint64_t bytes)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_DATA, &l) == -1)
		return;
	l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
	(void)setrlimit(RLIMIT_DATA, &l);
}

/* Returns the bytes of memory that count for RLIMIT_DATA, or 0 if unknown. */
static uint64_t
count_data(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;
	bool is_known;

	if (f == NULL)
		return 0;
	is_known = fscanf(f, "%*u %*u %*u %*u %*u %llu", &pages) == 1;
	(void)fclose(f);
	return is_known ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

uint64_t
memory_limit(size_t more)
{
	struct rlimit l = { .rlim_cur = RLIM_INFINITY };
	uint64_t now = count_data();

	(void)getrlimit(RLIMIT_DATA, &l);
#ifndef HAS_SANITIZER
	if (now != 0 && now + more < l.rlim_cur)
		set_limit(now + more);
#else
	(void)now;
	(void)more;
#endif
	return l.rlim_cur;
}

uint64_t
memory_peak(void)
{
	struct rusage u = { 0 };

	(void)getrusage(RUSAGE_SELF, &u);
	return (uint64_t)u.ru_maxrss << 10;
}

void
memory_unlimit(uint64_t former)
{
	set_limit(former);
}

/* The kernel writes no core file of a process that is not dumpable. Processes
 * that it forks are not dumpable either, until they call execve(2). */
void
core_dump_forbid(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* The limit is set too, because it remains in force if the kernel makes the
 * process dumpable again, as it does when the user id of the process
 * changes. */
void
core_dump_forbid_all(void)
{
	const struct rlimit none = { 0, 0 };

	core_dump_forbid();
	(void)setrlimit(RLIMIT_CORE, &none);
}
