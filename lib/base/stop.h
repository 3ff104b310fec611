/* The signals that ask a program to stop: TERM, INT, HUP, QUIT.
 * stop_install_handlers_ignore_sigpipe() makes the program note them, and
 * ignores SIGPIPE and SIGXFSZ, so that writes fail with EPIPE and EFBIG
 * instead. A second signal of the same kind kills. stop_signal() returns the
 * first signal that came, or 0; stop_raise_signal_if_received() ends the
 * process by that signal. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

void stop_install_handlers_ignore_sigpipe(void);
int stop_signal(void);
void stop_raise_signal_if_received(void); /* returns if no signal came */

#endif
