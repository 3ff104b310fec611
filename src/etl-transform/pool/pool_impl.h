/* Declarations that pool.c, pool_slot.c and pool_watch.c share.
 * The pool fills each slot with lines many times. Each filling has a number,
 * its turn, counted from 0 over all slots. A lane is one worker and its slots.
 * The turns go over the first slots of all lanes, then over their second ones.
 * The pool adds lines to the slot of turn `filling` and takes results from the
 * slot of turn `emptying`. */
#ifndef TRANSFORM_POOL_IMPL_H
#define TRANSFORM_POOL_IMPL_H

#include "pool/pool.h"
#include "pool/worker.h"

#include <sys/types.h>

enum {
	LOSS_TEXT = 512,        /* room for the reject of a lost record */
	/* If more workers of a lane than this exit in a row before they have
	 * the result of a record, the pool fails. */
	MAX_IDLE_DEATHS = 5,
	/* A worker that does not begin a record within this time is killed. */
	IDLE_MS = 10000
};

/* Why the result of a record is lost. */
enum loss {
	LOSS_NONE,
	LOSS_DEATH,             /* the worker died by itself */
	LOSS_TIME,              /* the parent killed it, for --time-limit */
	LOSS_DAMAGE             /* the parent killed it, because it had damaged
				 * the shared memory */
};

/* What the parent knows about one slot. It is not shared: a worker cannot
 * change it. */
struct pool_slot {
	/* Set once: which slot of which lane this is, and where its parts of
	 * the shared memory are. */
	unsigned int lane, number;
	struct slot *shared;
	struct slot_lines *lines;
	char *input;
	const char *output;
	uint64_t turn;
	bool submitted;         /* it has been given to the worker, and not all
				 * its results have been taken */
	bool large_output;      /* its results have taken much memory */
	bool has_lost;
	uint32_t n;             /* lines */
	uint64_t len;           /* bytes of all lines */
	uint32_t done;          /* results, as the worker last said */
	uint32_t done_before;   /* when the worker was last told to run it */
	struct {
		uint32_t at, len;               /* in slot_input() */
		uint64_t number, offset;        /* in the input stream */
	} line[SLOT_RECORDS];
	struct {
		enum loss loss;
		int status;     /* of the worker, as in struct event */
	} lost[SLOT_RECORDS];
};

/* What the parent knows about the worker of one lane. */
struct watch {
	pid_t pid;              /* 0: none, as far as the parent knows */
	enum loss killed;       /* by the parent, for this reason */
	/* At the last check of the time: the slot that the worker was running,
	 * the number of results in it, and whether it had begun the next
	 * record. */
	uint64_t turn;
	uint32_t done;
	bool busy;
	int64_t busy_ms;        /* how long it has run this record */
	int64_t idle_ms;        /* how long it has not begun this record */
	/* Workers that have exited in a row before they had a result. */
	unsigned int idle_deaths;
};

struct pool {
	const struct pool_conf *conf;
	struct worker_conf worker;
	struct shared *shared;
	struct pool_slot *slots;        /* in the order of their turns */
	pid_t keeper;
	int events, ready, commands;
	/* Pipes that wake the workers: the read ends of all lanes, then the
	 * write ends of all lanes. */
	int *wake_ends;
	struct watch *watch;
	uint64_t filling, emptying;     /* turns */
	uint32_t results_taken; /* results taken from the slot `emptying` */
	/* Copies of a reject and of outputs, because a worker that is still
	 * running could change the shared memory while the parent uses it. */
	char reject_copy[REJECT_MAX];
	struct buf outputs;
	int64_t time_checked_at;
	bool compiled;
};

void pool_wake_worker(const struct pool *p, unsigned int lane);
int pool_request_worker(struct pool *p, unsigned int lane, struct err *e);

/* In pool_watch.c: the state of the slots, events of the processes, and
 * --time-limit. */

/* The slot of this number, from 0 to SLOTS - 1, in the lane. */
struct pool_slot *pool_lane_slot(
    const struct pool *p, unsigned int lane, unsigned int number);
/* Loads how many results the worker says the slot has, once: the only number of
 * this kind that counts is b->done, which never falls or exceeds b->n. */
void pool_note_done(struct pool *p, struct pool_slot *b);
/* Reads one event of the keeper and acts on it. */
int pool_read_event(struct pool *p, struct err *e);
/* Kills the worker, because of what it does in this slot. */
void pool_kill_worker(
    struct pool *p, const struct pool_slot *b, enum loss reason);
void pool_kill_late(struct pool *p);
/* Writes the reject of a lost record, as a worker writes one, to out; returns
 * its length. */
size_t pool_write_loss(const struct pool *p, enum loss loss, int status,
    char *out, size_t size);
/* Returns how often the time limit is checked, in milliseconds. */
int64_t pool_tick_ms(const struct pool *p);

#endif
