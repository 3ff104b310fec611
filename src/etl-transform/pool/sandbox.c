#include "pool/sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The system calls that a worker may make with any arguments: for its pipes and
 * standard error, for memory (qsort() calls sysinfo), for the time, and to
 * exit. A few more are allowed below, with certain arguments. libseccomp skips
 * a call that the processor does not have. */
static const int calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(gettimeofday), SCMP_SYS(time),
	/* strftime() calls these to find out whether the local time zone has
	 * changed. */
	SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64), SCMP_SYS(statx),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

#ifdef __SANITIZE_ADDRESS__
/* When a process ends, the sanitizers start a thread, trace the process and
 * read files of /proc to find leaks. The sandbox would stop this, so it is not
 * entered. */
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

struct sandbox {
	scmp_filter_ctx filter;
};

/* Allows the system calls of a worker; any other ends the process with SIGSYS.
 * Memory may not be made executable. Some kernels protect a process that has a
 * filter against speculative store bypass, which makes it slower. CTL_SSB turns
 * this off: it protects secrets, and a worker has none. An old libseccomp does
 * not have CTL_SSB, so the result is ignored. */
static int
add_allowed_calls(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_exec =
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	/* MADV_HWPOISON and those after it break memory that is shared. */
	const struct scmp_arg_cmp harmless =
	    SCMP_A2(SCMP_CMP_LT, MADV_HWPOISON, 0);

	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	if (seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1) < 0 ||
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    no_exec) < 0 ||
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    no_exec) < 0 ||
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
	    harmless) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) < 0)
			return -1;
	return 0;
}

struct sandbox *
sandbox_new(void)
{
	struct sandbox *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (s->filter == NULL || add_allowed_calls(s->filter) == -1) {
		sandbox_free(s);
		return NULL;
	}
	return s;
}

void
sandbox_free(struct sandbox *s)
{
	if (s != NULL && s->filter != NULL)
		seccomp_release(s->filter);
	free(s);
}

/* True if the kernel does not have this protection, or does not permit it here
 * (for example, in a container). */
static bool
is_unavailable(int error)
{
	return error == ENOSYS || error == EOPNOTSUPP || error == EINVAL ||
	    error == EPERM || error == EACCES || error == E2BIG;
}

/* Loads the filter. tgkill is allowed only to this process: abort() sends its
 * signal with it. If the system has no local time zone, strftime() tries to
 * open the file of the zone again and again. So openat then fails with ENOENT,
 * as it would without the filter, and does not end the process. */
static int
enter_seccomp(struct sandbox *s, bool *in_force)
{
	const struct scmp_arg_cmp self =
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	int rc;

	if (seccomp_rule_add(s->filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    self) < 0 ||
	    (access("/etc/localtime", R_OK) == -1 &&
	    seccomp_rule_add(s->filter, SCMP_ACT_ERRNO(ENOENT),
	    SCMP_SYS(openat), 0) < 0))
		return -1;
	rc = seccomp_load(s->filter);
	*in_force = rc == 0;
	return rc == 0 || is_unavailable(-rc) ? 0 : -1;
}

/* Returns a bit for each right to files that this version of Landlock knows.
 * (The header of the system may be older than the kernel.) */
static uint64_t
landlock_rights(long version)
{
	unsigned int n = version >= 5 ? 16 : version >= 3 ? 15 :
	    version == 2 ? 14 : 13;

	return (UINT64_C(1) << n) - 1;
}

/* Takes away all access to files with a Landlock ruleset that handles all
 * rights and allows none. Files that are open stay usable. */
static int
enter_landlock(bool *in_force)
{
	struct landlock_ruleset_attr a = { 0 };
	long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	long fd = -1;
	bool restricted;

	if (version > 0) {
		a.handled_access_fs = landlock_rights(version);
		fd = syscall(SYS_landlock_create_ruleset, &a,
		    sizeof(a.handled_access_fs), 0U);
	}
	if (fd == -1)
		return is_unavailable(errno) ? 0 : -1;
	restricted = syscall(SYS_landlock_restrict_self, (int)fd, 0U) == 0;
	*in_force = restricted;
	if (!restricted && !is_unavailable(errno)) {
		(void)close((int)fd);
		return -1;
	}
	(void)close((int)fd);
	return 0;
}

int
sandbox_enter(struct sandbox *s, struct sandbox_state *in_force)
{
	*in_force = (struct sandbox_state){ 0 };
	in_force->no_new_privs =
	    prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0;
	if (SANITIZED)
		return 0;
	if (enter_landlock(&in_force->landlock) == -1)
		return -1;
	return enter_seccomp(s, &in_force->seccomp);
}

int
sandbox_wipe_env(void)
{
	char **empty;

	for (char **v = environ; v != NULL && *v != NULL; v++)
		explicit_bzero(*v, strlen(*v));
	if (clearenv() != 0 || (empty = calloc(1, sizeof(*empty))) == NULL)
		return -1;
	environ = empty;        /* libjq does not expect a null pointer */
	return 0;
}

enum { NO_NEW_PRIVS = 1, SECCOMP = 2, LANDLOCK = 4, FAILED = 128 };

/* Enters the sandbox. Returns the bits of the protections in force, or
 * FAILED. */
static int
enter_for_test(void)
{
	struct sandbox_state in_force;
	struct sandbox *s = sandbox_new();

	if (s == NULL || sandbox_enter(s, &in_force) == -1)
		return FAILED;
	return (in_force.no_new_privs ? NO_NEW_PRIVS : 0) |
	    (in_force.seccomp ? SECCOMP : 0) |
	    (in_force.landlock ? LANDLOCK : 0);
}

void
sandbox_print(void)
{
	pid_t child = fork();
	int status = 0, bits = FAILED;

	if (child == 0)
		_exit(enter_for_test());
	if (child > 0 && waitpid(child, &status, 0) == child &&
	    WIFEXITED(status))
		bits = WEXITSTATUS(status);
	if (bits == FAILED)
		(void)printf("protection of the filter: unknown, because a "
		    "test process failed\n");
	else
		(void)printf("protection of the filter: no_new_privs %s, "
		    "seccomp %s, Landlock %s\n",
		    bits & NO_NEW_PRIVS ? "yes" : "no",
		    bits & SECCOMP ? "yes" : "no",
		    bits & LANDLOCK ? "yes" : "no");
}
