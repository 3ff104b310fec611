/* The signals that ask a program to end: TERM, INT, HUP, QUIT.
 * stop_catch() notes them, ignores SIGPIPE and SIGXFSZ (writes then fail with
 * EPIPE and EFBIG); a second one of the kind kills. stop_signal() is 0 or the
 * first that came; stop_die() ends the process by that signal. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

void stop_catch(void);
int stop_signal(void);
void stop_reset(void);          /* default actions again, for a child */
void stop_die(void);            /* returns if no signal came */

#endif
