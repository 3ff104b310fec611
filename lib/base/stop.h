/* The signals that ask a program to stop: TERM, INT, HUP, QUIT.
 * stop_install_handlers_ignore_sigpipe() installs a handler that stores the
 * first of them. It also ignores SIGPIPE and SIGXFSZ, so that writes fail with
 * EPIPE and EFBIG. A second signal of the same kind kills the program.
 * stop_signal() returns the first signal that was received, or 0.
 * stop_raise_signal_if_received() ends the process by that signal. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

void stop_install_handlers_ignore_sigpipe(void);
int stop_signal(void);
void stop_raise_signal_if_received(void); /* returns if no signal came */

#endif
