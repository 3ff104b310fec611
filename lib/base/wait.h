/* poll(2) that a stop signal ends, without a race between look and wait.
 * Gives: 1 something is ready, 0 the time is over, -1 a stop signal came;
 *        timeout in milliseconds, -1 waits for ever, 0 only looks. */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <poll.h>
#include <stdint.h>

int wait_fds(struct pollfd *fds, nfds_t n, int timeout);
int wait_fd(int fd, short events, int timeout);
int wait_ms(int64_t ms);         /* 0, or -1: a stop signal came first */

#endif
