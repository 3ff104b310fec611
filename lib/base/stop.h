/* The signals that ask a program to stop: TERM, INT, HUP, QUIT. stop_init()
 * installs a handler that stores the first of them. It also ignores SIGPIPE and
 * SIGXFSZ, so that writes fail with EPIPE and EFBIG. A second signal of the
 * same kind kills the program. stop_signal() returns the first signal that was
 * received, or 0. stop_raise() ends the process by that signal. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <poll.h>
#include <stdint.h>

void stop_init(void);
int stop_signal(void);
void stop_raise(void); /* returns if no signal came */

/* poll(2) that a stop signal interrupts, without a race between check and wait.
 * Units: milliseconds; a timeout of -1 waits without limit, 0 does not wait.
 * Gives: 1 a descriptor is ready, 0 the time is over, -1 a stop signal came. */

int wait_fds(struct pollfd *fds, nfds_t n, int timeout_ms);
int wait_fd(int fd, short events, int timeout_ms);
int wait_ms(int64_t ms); /* 0, or -1: a stop signal came first */

#endif
