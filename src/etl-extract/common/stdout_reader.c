#include "common/stdout_reader.h"

#include "base/stop.h"

#include <string.h>
#include <unistd.h>

enum { SLICE = 1 << 30 };       /* ms; wait_fd() takes an int */

bool
is_reader_gone(void)
{
	return wait_fd(STDOUT_FILENO, 0, 0) == 1;
}

int
fail_interrupted(struct err *e)
{
	int sig = stop_signal();

	if (sig == 0)
		return err_set(e, ERR_GONE, false,
		    "standard output was closed by its reader");
	return err_set(e, ERR_RETRY, true, "stopped by signal %s",
	    sigabbrev_np(sig));
}

int
sleep_watching(int64_t ms, struct err *e)
{
	for (; ms > 0; ms -= SLICE)
		if (wait_fd(STDOUT_FILENO, 0, ms > SLICE ? SLICE :
		    (int)ms) != 0)
			return fail_interrupted(e);
	return stop_signal() != 0 ? fail_interrupted(e) : 0;
}
