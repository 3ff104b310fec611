#include "base/stop.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

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

/* Waits once with ppoll(2). The stop signals are blocked except inside
 * ppoll(2), so a signal that comes after the check of stop_signal() still
 * ends the wait. */
static int
poll_once(struct pollfd *fds, nfds_t n, const struct timespec *ts)
{
	sigset_t stops, old;
	int r;

	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGTERM);
	(void)sigaddset(&stops, SIGINT);
	(void)sigaddset(&stops, SIGHUP);
	(void)sigaddset(&stops, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &stops, &old);
	r = -1;
	errno = EINTR;
	if (stop_signal() == 0)
		r = ppoll(fds, n, ts, &old);
	if (r == -1 && errno != EINTR)
		r = 1;          /* the next read or write reports the error */
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

int
wait_fds(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	int64_t end = timeout_ms > 0 ? clock_ms() + timeout_ms : 0, left;
	struct timespec ts = { 0 };
	int r = poll(fds, n, 0);

	if (r > 0)
		return 1;
	if (timeout_ms == 0)
		return 0;
	for (;;) {
		if (timeout_ms > 0) {
			left = end - clock_ms();
			if (left < 0)
				left = 0;
			ts.tv_sec = left / 1000;
			ts.tv_nsec = left % 1000 * 1000000;
		}
		r = poll_once(fds, n, timeout_ms > 0 ? &ts : NULL);
		if (r >= 0)
			return r > 0;
		if (stop_signal() != 0)
			return -1;
	}
}

int
wait_fd(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return wait_fds(&p, 1, timeout_ms);
}

int
wait_ms(int64_t ms)
{
	int64_t end = clock_ms() + ms, left;

	do {
		left = end - clock_ms();
		if (left > 0 && wait_fds(NULL, 0,
		    left < INT_MAX ? (int)left : INT_MAX) == -1)
			return -1;
	} while (left > INT_MAX);
	return stop_signal() != 0 ? -1 : 0;
}
