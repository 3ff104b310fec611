#include "stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stopped;

static const int asked[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
enum { ASKED = sizeof(asked) / sizeof(asked[0]) };

static void
note(int sig)
{
	if (stopped == 0)
		stopped = sig;
}

void
stop_catch(void)
{
	struct sigaction a = { .sa_handler = note, .sa_flags = SA_RESETHAND };
	struct sigaction old;

	(void)sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < ASKED; i++) {    /* nohup(1): keep it ignored */
		if (sigaction(asked[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			(void)sigaction(asked[i], &a, NULL);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

int
stop_signal(void)
{
	return stopped;
}

void
stop_reset(void)
{
	for (size_t i = 0; i < ASKED; i++)
		(void)signal(asked[i], SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
}

void
stop_die(void)
{
	sigset_t none;
	int sig = stopped;

	if (sig == 0)
		return;
	(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)raise(sig);
}
