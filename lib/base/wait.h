/* poll(2) that a stop signal interrupts, without a race between check and wait.
 * Units: milliseconds; a timeout of -1 waits without limit, 0 does not wait.
 * Gives: 1 a descriptor is ready, 0 the time is over, -1 a stop signal came. */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <poll.h>
#include <stdint.h>

int wait_fds(struct pollfd *fds, nfds_t n, int timeout_ms);
int wait_fd(int fd, short events, int timeout_ms);
int wait_ms(int64_t ms); /* 0, or -1: a stop signal came first */

#endif
