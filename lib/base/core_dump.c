#include "core_dump.h"

#include <sys/prctl.h>
#include <sys/resource.h>

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
