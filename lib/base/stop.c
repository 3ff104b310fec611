#include "stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/* A signal handler writes this, and all threads read it. */
static volatile atomic_int first_signal;

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
enum { STOP_SIGNALS = sizeof(stop_signals) / sizeof(stop_signals[0]) };

/* Keeps the first signal; later ones change nothing. */
static void
note_signal(int sig)
{
	if (first_signal == 0)
		first_signal = sig;
}

void
stop_init(void)
{
	struct sigaction a = {
	    .sa_handler = note_signal, .sa_flags = SA_RESETHAND};
	struct sigaction old;

	(void)sigemptyset(&a.sa_mask);
	/* A signal that was ignored at the start stays ignored, as SIGHUP under
	 * nohup(1). */
	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		if (sigaction(stop_signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			(void)sigaction(stop_signals[i], &a, NULL);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

int
stop_signal(void)
{
	return first_signal;
}

void
stop_raise(void)
{
	sigset_t none;
	int sig = first_signal;

	if (sig == 0)
		return;
	(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)raise(sig);
}
