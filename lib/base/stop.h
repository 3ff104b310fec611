/* The signals that ask a program to stop: TERM, INT, HUP, QUIT. stop_init()
 * installs a handler that stores the first of them. It also ignores SIGPIPE and
 * SIGXFSZ, so that writes fail with EPIPE and EFBIG. A second signal of the
 * same kind kills the program. stop_signal() returns the first signal that was
 * received, or 0. stop_raise() ends the process by that signal. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

void stop_init(void);
int stop_signal(void);
void stop_raise(void); /* returns if no signal came */

#endif
