/* A failure as a value: the last argument of everything that can fail.
 * Owns:  its text, inline; copying the struct copies the failure.
 * Gives: err_set() returns -1, so "return err_set(...)" is one line.
 * Fails: never. A text too long is cut, not lost: of a prefix and its cause
 *        the prefix. */
#ifndef BASE_ERRVAL_H
#define BASE_ERRVAL_H

#include <stdbool.h>
#include <sysexits.h>

enum err_code {
	ERR_NONE,
	ERR_LIMIT = 1,                  /* stopped by a limit, nothing found */
	ERR_USAGE = EX_USAGE,           /* 64 */
	ERR_DATA = EX_DATAERR,          /* 65 bad data, nowhere to put it */
	ERR_INPUT = EX_NOINPUT,         /* 66 no such input */
	ERR_REFUSED = EX_UNAVAILABLE,   /* 69 refused for good */
	ERR_BUG = EX_SOFTWARE,          /* 70 */
	ERR_CREATE = EX_CANTCREAT,      /* 73 */
	ERR_IO = EX_IOERR,              /* 74 */
	ERR_RETRY = EX_TEMPFAIL,        /* 75 lost a race, cut stream, busy */
	ERR_PEER = EX_PROTOCOL,         /* 76 protocol broken by the peer */
	ERR_DENIED = EX_NOPERM,         /* 77 */
	ERR_CONFIG = EX_CONFIG,         /* 78 */
	ERR_GONE = 141                  /* the reader has gone: end quietly */
};

struct err {
	enum err_code code;
	bool transient;                 /* the same call may succeed later */
	char msg[1024];
};

int err_set(struct err *e, enum err_code code, bool transient,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* EPIPE is ERR_GONE, an input that may not be read ERR_DENIED. */
int err_errno(struct err *e, enum err_code code, const char *what);
int err_nomem(struct err *e);
void err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int err_status(const struct err *e);    /* transient is 75, else the code */

/* For main: one line "PROGRAM: MESSAGE" on stderr, none for ERR_GONE, which
 * ends the process by SIGPIPE; returns err_status(). */
int err_report(const char *program, const struct err *e);
void err_warn(const char *program, const char *text);   /* NULL: nothing */

#endif
