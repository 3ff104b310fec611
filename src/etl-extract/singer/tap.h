/* The process of a Singer tap, which writes messages to a pipe.
 * Owns:  the process, its process group and the file with its STATE.
 * Borrows: the command.
 * Fails: tap_start() with ERR_CONFIG if the command cannot be executed;
 *        tap_check_end() with ERR_RETRY if the exit status of the tap is 75,
 *        and with ERR_REFUSED if the tap has failed otherwise. */
#ifndef EXTRACT_SINGER_TAP_H
#define EXTRACT_SINGER_TAP_H

#include "base/buf.h"
#include "base/errval.h"
#include "common/extract.h"
#include "stream/child.h"
#include "stream/stage.h"

#include <sys/types.h>

/* A guard process. If etl-extract is killed by SIGKILL, the guard kills the
 * Singer tap and all processes that the tap has started. It is the leader of
 * their process group. It notices the end of etl-extract when a pipe closes
 * whose other end etl-extract holds.
 * Owns:  the process and the pipe. */

struct guard {
	pid_t pid;              /* also the number of the process group; 0: not
				 * started */
	int pipe;               /* -1: closed */
};

struct tap {
	struct child child;
	int64_t quiet_since;    /* 0, or clock_ms() since when the tap has
				 * exited and no output has followed */
	struct guard guard;
	char **argv;            /* the command with --state */
	char state_option[8];   /* "--state" */
	char state_path[32];    /* path of the file with the STATE */
};

/* Refuses options that are for other sources. n is the number of words of the
 * command. */
int tap_check(const struct extract_opts *o, size_t n, struct err *e);
/* Executes the command. If state is not NULL, appends --state FILE to the
 * command; FILE contains these bytes. */
int tap_start(struct tap *t, char *const *command, const char *state,
    size_t max_line, struct err *e);
/* Waits up to timeout_ms (-1: no limit) until the tap has written something or
 * has exited. If the tap has exited but a process that it started keeps the
 * output open, waits up to 5 seconds for more output. If there is none, prints
 * a warning and ends the output. */
int tap_wait(struct tap *t, int timeout_ms, struct err *e);
/* Call this after the end of the output. Waits until the tap exits. Fails if
 * its exit status is not 0 or a signal killed it. */
int tap_check_end(struct tap *t, struct err *e);
/* Kills the tap and its process group if they still exist. */
void tap_close(struct tap *t);

/* The STATE of a Singer tap as the value of a checkpoint: the stored value, and
 * the marks for new values. A STATE covers only the records before it. So its
 * mark is written before any further record, or not at all.
 * Owns:  the values. Borrows: the options.
 * Fails: ERR_CONFIG if the stored value is not a JSON object; ERR_DATA if a
 *        value is too long for a mark. */

struct tap_state {
	const struct extract_opts *o;
	char *stored;           /* the value that is stored, or NULL */
	int64_t version;        /* of the stored checkpoint */
	struct buf marked;      /* the value of the last mark, at first the
				 * stored one; empty: none */
	struct buf held;        /* a value that is in no mark yet */
	bool is_held;
	bool has_open_records;  /* records came after the last STATE */
	uint64_t since_mark;    /* records since the last mark */
	int64_t marked_at;      /* clock_ms() of the last mark */
};

/* Reads the stored checkpoint. Without --checkpoint it does nothing, and no
 * value is ever held. */
int tap_state_init(struct tap_state *t, const struct extract_opts *o,
    struct err *e);
void tap_state_release(struct tap_state *t);

/* A STATE came. */
int tap_state_hold(struct tap_state *t, const char *value, size_t n,
    struct err *e);
/* Call this for each record or reject. A STATE that is still held is dropped,
 * because it does not cover this record. */
void tap_state_note_record(struct tap_state *t);
/* How many ms the held value may wait for its mark. 0: a mark is due; -1: no
 * value is held. */
int tap_state_wait_ms(const struct tap_state *t);
/* Writes a mark with the held value, if there is one. */
int tap_state_write_mark(
    struct tap_state *t, struct stage *s, struct err *e);

#endif
