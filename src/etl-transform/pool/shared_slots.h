/* Memory that the parent process shares with the workers. Only the parent can
 * write the input: workers attach it read-only, which they cannot change. A
 * worker can write the results at any time, so the parent loads each number
 * once, checks what it loaded, and keeps all else in pool_impl.h. A lane is one
 * worker with two slots: while the worker runs one slot, the parent fills or
 * empties the other. If a worker dies, only its current record is lost. */
#ifndef TRANSFORM_SHARED_SLOTS_H
#define TRANSFORM_SHARED_SLOTS_H

#include "base/errval.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SLOTS = 2,		/* of one lane */
	SLOT_RECORDS = 1024,	/* most lines in a slot */
	SLOT_BYTES = 256 << 10, /* a slot with so many bytes is submitted */
	SLOT_OUTPUT_PAUSE = 1 << 20, /* after so many bytes of output the worker
				      * stops until the parent has emptied the
				      * slot */
	REJECT_MAX = 32 << 10 /* code, message and pointer, each with a NUL */
};

/* FREE: the parent fills the slot. FULL: the worker runs it. DONE: the parent
 * empties it, then sets FREE, or FULL if done < n: the worker had stopped
 * because its output was full. */
enum slot_state { SLOT_FREE, SLOT_FULL, SLOT_DONE };

/* The lines in a slot, for the worker. */
struct slot_lines {
	uint32_t n;
	uint64_t turn;          /* the worker runs the lower turn first */
	struct {
		uint32_t at, len;               /* in slot_input() */
	} line[SLOT_RECORDS];
};

/* Where the result of one line is in slot_output(). */
struct result_place {
	_Atomic uint64_t turn;  /* equals slot_lines.turn; if it does not, the
				 * result belongs to earlier lines */
	_Atomic uint64_t at, len;       /* outputs, an LF after each; or a
					 * reject */
	_Atomic uint32_t rejected;      /* 0 or 1 */
};

struct slot {
	_Atomic uint32_t state;
	_Atomic uint32_t begun;         /* records that the worker has begun */
	_Atomic uint32_t done;          /* records that have a result */
	_Atomic uint64_t len;           /* bytes of all results */
	struct result_place result_place[SLOT_RECORDS];
};

/* Where the memory is. This struct is not shared. */
struct shared {
	unsigned int lanes;
	size_t in_max, out_max; /* bytes of slot_input() and slot_output() */
	size_t lines_size;      /* of the struct slot_lines of all lanes */
	size_t results_size;    /* of the results of one lane */
	char *input;            /* all struct slot_lines, then all lines */
	char *input_readonly;   /* the same memory, for workers; NULL: gone */
	char *results;          /* for each lane, each struct slot, then each
				 * slot_output() */
};

int shared_map(struct shared **s, unsigned int lanes, size_t max_record,
    struct err *e);
void shared_unmap(struct shared *s);
/* Makes the input read-only for this process and those that it forks. They
 * cannot undo this. */
void shared_drop_writable(struct shared *s);
/* For the parent: unmaps what it would have needed for the former. */
void shared_drop_readonly(struct shared *s);
/* Unmaps the results of all other lanes. Returns -1 with errno. */
int shared_keep_lane(const struct shared *s, unsigned int lane);
struct slot_lines *slot_lines(
    const struct shared *s, unsigned int lane, unsigned int slot);
struct slot *slot_at(
    const struct shared *s, unsigned int lane, unsigned int slot);
char *slot_input(const struct shared *s, unsigned int lane, unsigned int slot);
char *slot_output(const struct shared *s, unsigned int lane, unsigned int slot);
/* These return the memory of the lines or of the results of a slot to the
 * system. */
void slot_release_input(
    const struct shared *s, unsigned int lane, unsigned int slot);
void slot_release_output(
    const struct shared *s, unsigned int lane, unsigned int slot);

/* The keeper sends an event to the parent: one write to a pipe that no worker
 * has. After EVENT_COMPILE_FAILED comes a struct err. */
enum event_kind {
	EVENT_COMPILED,
	EVENT_COMPILE_FAILED,
	EVENT_WORKER_STARTED,
	EVENT_WORKER_DIED,
	EVENT_FORK_FAILED
};

struct event {
	enum event_kind kind;
	unsigned int lane;
	int status;             /* EVENT_WORKER_STARTED: the process id;
				 * EVENT_WORKER_DIED: the signal, or minus the
				 * exit code; EVENT_FORK_FAILED: errno */
};

#endif
