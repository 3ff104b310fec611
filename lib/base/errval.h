/* A failure as a value: the last argument of every function that can fail.
 * Owns:  the message, which is stored inside the struct. Copying the struct
 *        copies the failure.
 * Gives: err_set() returns -1, so a caller can write "return err_set(...)".
 * Fails: never. A message that is too long is shortened; if it has a prefix,
 *        the prefix is shortened first. */
#ifndef BASE_ERRVAL_H
#define BASE_ERRVAL_H

#include <stdbool.h>
#include <sysexits.h>

enum err_code {
	ERR_NONE,
	ERR_LIMIT = 1,		      /* a limit stopped it; nothing found */
	ERR_USAGE = EX_USAGE,	      /* 64 */
	ERR_DATA = EX_DATAERR,	      /* 65 a bad record, and no place for its
				       * reject */
	ERR_INPUT = EX_NOINPUT,	      /* 66 no such input */
	ERR_REFUSED = EX_UNAVAILABLE, /* 69 refused for good */
	ERR_BUG = EX_SOFTWARE,	      /* 70 */
	ERR_CREATE = EX_CANTCREAT,    /* 73 */
	ERR_IO = EX_IOERR,	      /* 74 */
	ERR_RETRY = EX_TEMPFAIL,      /* 75 the same command may succeed later:
				       * lost a race, stream was cut, busy */
	ERR_PEER = EX_PROTOCOL,	      /* 76 protocol broken by the peer */
	ERR_DENIED = EX_NOPERM,	      /* 77 */
	ERR_CONFIG = EX_CONFIG,	      /* 78 */
	ERR_GONE = 141		      /* the reader of standard output has
				       * exited: end without a message */
};

/* Whose failure it is. */
enum err_origin {
	ERR_OWN,
	ERR_UPSTREAM,           /* of a stage before this program */
	ERR_UPSTREAM_PRINTED    /* that stage has printed it: err_report()
				 * prints nothing */
};

struct err {
	enum err_code code;
	bool transient;                 /* the same call may succeed later */
	enum err_origin origin;
	char msg[3840];
};

int err_set(struct err *e, enum err_code code, bool transient,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Reports errno: "WHAT: strerror". EPIPE becomes ERR_GONE; EACCES and EPERM
 * become ERR_DENIED if the given code is ERR_INPUT. */
int err_errno(struct err *e, enum err_code code_unless_epipe_or_eacces,
    const char *what);
int err_nomem(struct err *e);
/* Reports what only a fault of the program can cause: "bug in this program:
 * MESSAGE; please report it". */
int err_bug(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The exit code: 75 if e->transient, else e->code. */
int err_exit_code(const struct err *e);

/* For main: prints "PROGRAM: MESSAGE" on stderr and returns err_exit_code().
 * For ERR_GONE it prints nothing and ends the process by SIGPIPE. */
int err_report(const char *program, const struct err *e);
/* All messages of the programs go to stderr by these functions. They escape
 * control characters (text_show()) and indent each line but the first. */
void err_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints "PROGRAM: TEXT" on stderr; nothing if text is NULL. */
void err_note(const char *program, const char *text);
/* Prints "PROGRAM: warning: TEXT" on stderr; nothing if text is NULL. */
void err_warn(const char *program, const char *text);
void err_warnf(const char *program, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
