/* Runs the filter on lines in worker processes; results come in input order.
 * Owns:  the shared memory, the keeper process and the pipes to it.
 * Flow:  open; start_workers; add lines while the pool has room, submit a slot
 *        that is not full; wait; take_next_result until it is 0; close.
 * Gives: if a worker dies or reaches a limit, the result of the one record that
 *        it was running is a reject. Another worker runs the later records.
 * Fails: ERR_CONFIG if the filter does not compile; a transient error if the
 *        keeper process is killed or a process cannot be started. */
#ifndef TRANSFORM_POOL_H
#define TRANSFORM_POOL_H

#include "engine/engine.h"
#include "stream/lines.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct pool_conf {
	const struct engine *engine;
	struct engine_conf filter;
	unsigned int jobs;
	enum json_members dup;
	bool plain, env;
	uint64_t time_limit;            /* milliseconds per record, 0: none */
	uint64_t memory_limit;          /* bytes, 0: none */
};

struct result {
	const char *line;
	size_t line_len;
	uint64_t number, offset;
	/* The outputs, each with its LF. If text_len is 0, the filter has
	 * dropped the record. None of the outputs is a mark. */
	const char *text;
	size_t text_len;
	const char *code, *message, *pointer;   /* code NULL: no reject */
};

struct pool;

int pool_open(struct pool **p, const struct pool_conf *c, struct err *e);
/* Waits until the filter is compiled, then starts the workers. */
int pool_start_workers(struct pool *p, struct err *e);
bool pool_may_add_line(const struct pool *p);
bool pool_is_empty(const struct pool *p);
/* Adds a line to the slot that is being filled. If the slot is full then, gives
 * it to a worker. */
void pool_add_line(struct pool *p, const struct line *l);
/* Gives the lines added so far to a worker, even if their slot is not full. */
void pool_submit(struct pool *p);
/* Waits for one of these: a worker or the keeper reports an event; input_fd, if
 * it is not -1, can be read; a tick of at most 100 ms has passed; a stop signal
 * was received. */
int pool_wait(struct pool *p, int input_fd, struct err *e);
/* Sets *r to the next result in input order and returns 1, or returns 0 if that
 * record has no result yet. *r is valid until the next call. */
int pool_take_result(struct pool *p, struct result *r, struct err *e);
/* Ends the keeper and the workers. Set `workers_may_finish` if all records
 * have their results: the processes then exit by themselves. Otherwise they are
 * killed. */
void pool_close(struct pool *p, bool workers_may_finish);

/* The keeper and worker processes; the filter never runs in the parent. The
 * keeper compiles the filter (not always for libjq: see choice.c). It forks a
 * worker when the parent sends the number of a lane (a worker with its slots),
 * so a dead worker is replaced at once, and a crash in the compiler ends only
 * the keeper. A worker runs the FULL slots of its lane, then waits for a byte
 * on its wake pipe.
 * Fails: they never return; the keeper reports failures and deaths by events.
 *        They die with their parent. 0, 1 and 3 are /dev/null for them. */

/* Memory that the parent process shares with the workers. Only the parent can
 * write the input: workers attach it read-only, which they cannot change. A
 * worker can write the results at any time, so the parent loads each number
 * once, checks what it loaded, and keeps all else in pool.c. A lane is one
 * worker with two slots: while the worker runs one slot, the parent fills or
 * empties the other. If a worker dies, only its current record is lost. */

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
/* For the parent: unmaps what it would have needed for the former. */
void shared_drop_readonly(struct shared *s);
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

struct worker_conf {
	const struct engine *engine;
	const struct engine_conf *filter;
	struct shared *shared;
	enum json_members dup;
	bool plain;             /* --plain: the input has no marks */
	bool env;               /* --allow env */
	uint64_t memory;        /* --memory-limit, 0: none */
	int events;             /* pipe from the keeper to the parent */
	int ready;              /* pipe from the workers to the parent: a byte
				 * says that a slot is done */
	int commands;           /* pipe from the parent to the keeper */
	const int *wake_pipes;	/* for each lane, a pipe from the parent that
				 * wakes the worker */
};

/* Compiles the filter, serves the commands of the parent, and exits. */
void keeper_run(const struct worker_conf *c, int parent)
    __attribute__((noreturn));

#endif
