/* Memory that the parent process shares with the workers. Its first part is the
 * input, which workers can only read. Its second part is the results: workers
 * write them, so the parent checks each value. A lane is one worker with two
 * slots: while the worker runs one slot, the parent fills or empties the other.
 * `done` counts the lines that have a result. If a worker dies, only the record
 * that it was running is lost. States: FREE (the parent fills the slot), FULL
 * (the worker runs it), DONE (the parent empties it, then sets FREE, or FULL if
 * done < n: the worker had stopped because its output was full). */
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

enum slot_state { SLOT_FREE, SLOT_FULL, SLOT_DONE };

/* The lines in a slot. */
struct slot_lines {
	uint32_t n;
	uint64_t turn;          /* the worker runs the lower turn first */
	uint64_t len;           /* bytes of all lines */
	struct {
		uint32_t at, len;               /* in slot_input() */
		uint64_t number, offset;        /* in the input stream */
	} line[SLOT_RECORDS];
};

/* Where the result of one line is in slot_output(). */
struct result_place {
	uint64_t turn;          /* equals slot_lines.turn; if it does not, the
				 * result belongs to earlier lines */
	uint64_t at, len;       /* outputs, an LF after each; or a reject */
	bool rejected;
};

struct slot {
	_Atomic uint32_t state;
	_Atomic uint32_t begun;         /* records that the worker has begun */
	_Atomic uint32_t done;          /* records that have a result */
	uint64_t len;                   /* bytes of all results */
	struct result_place result_place[SLOT_RECORDS];
};

struct lane {
	_Atomic int pid;        /* of the last worker, also if it has died */
	struct slot_lines slot_lines[SLOTS];
};

struct shared {
	size_t size;            /* of the whole mapping */
	size_t input_size;      /* of its first part */
	size_t in_max, out_max; /* bytes of slot_input() and slot_output() */
	unsigned int lanes;
	struct err compile_error;
	struct lane lane[];
};

int shared_map(struct shared **s, unsigned int lanes, size_t max_record,
    struct err *e);
void shared_unmap(struct shared *s);
/* Makes the input part read-only for this process. Returns -1 with errno if
 * mprotect(2) fails. */
int shared_make_input_readonly(struct shared *s);
struct slot *slot_at(struct shared *s, unsigned int lane, unsigned int slot);
char *slot_input(struct shared *s, unsigned int lane, unsigned int slot);
char *slot_output(struct shared *s, unsigned int lane, unsigned int slot);
/* If the slot has held a large record, these return the memory of its lines or
 * of its results to the system. */
void slot_release_large_input(
    struct shared *s, unsigned int lane, unsigned int slot);
void slot_release_large_output(
    struct shared *s, unsigned int lane, unsigned int slot);

/* A worker or the keeper sends an event to the parent: one write to a pipe. */
enum event_kind {
	EVENT_COMPILED,
	EVENT_COMPILE_FAILED,
	EVENT_SLOT_DONE,
	EVENT_WORKER_DIED,
	EVENT_FORK_FAILED
};

struct event {
	enum event_kind kind;
	unsigned int lane;
	int status;             /* EVENT_WORKER_DIED: the signal, or minus the
				 * exit code; EVENT_FORK_FAILED: errno */
};

#endif
