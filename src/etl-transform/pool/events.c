#include "pool/worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

void
event_send_or_exit(const struct worker_conf *c, enum event_kind kind,
    unsigned int lane, int status)
{
	struct event v = { .kind = kind, .lane = lane, .status = status };

	while (write(c->events, &v, sizeof(v)) == -1)
		if (errno != EINTR)
			_exit(EX_OSERR);        /* the parent has exited */
}

/* Asks the kernel to kill this process when its parent exits. If the parent has
 * exited before this request, the kernel sends no signal. getppid() then
 * returns another process id than `parent`, and this process exits itself. */
void
ask_kernel_to_kill_with_parent(int parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_OSERR);
}
