/* Declarations that pool.c, pool_slot.c and pool_watch.c share.
 * The pool fills each slot with lines many times. Each filling has a number,
 * its turn, counted from 0 over all slots. Turn t uses lane t % lanes (a lane
 * is one worker and its slots), and in this lane the slot t / lanes % SLOTS.
 * The pool adds lines to the slot of turn `filling` and takes results from the
 * slot of turn `emptying`. */
#ifndef TRANSFORM_POOL_IMPL_H
#define TRANSFORM_POOL_IMPL_H

#include "pool/pool.h"
#include "pool/worker.h"

#include <sys/types.h>

/* If more workers of a lane than this exit in a row before they have started a
 * record, the pool fails. */
enum { MAX_IDLE_DEATHS = 5 };

/* What the parent knows about the worker of one lane. */
struct watch {
	/* At the last check of --time-limit: the turn of the slot that the
	 * worker was running, and the number of records begun in this slot. */
	uint64_t turn;
	uint32_t begun;
	int64_t busy_ms;        /* how long it has run this record */
	/* Workers that have exited in a row before they started a record. */
	unsigned int idle_deaths;
	bool killed;            /* by the parent, for --time-limit */
};

struct pool {
	const struct pool_conf *conf;
	struct worker_conf worker;
	struct shared *shared;
	pid_t keeper;
	int events, commands;
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

struct slot_lines *pool_slot_lines(const struct pool *p, uint64_t turn);
struct slot *pool_slot(const struct pool *p, uint64_t turn);
unsigned int pool_lane_of_turn(const struct pool *p, uint64_t turn);
unsigned int pool_slot_number(const struct pool *p, uint64_t turn);
void pool_wake_worker(const struct pool *p, unsigned int lane);
int pool_request_worker_from_keeper(
    struct pool *p, unsigned int lane, struct err *e);

/* In pool_watch.c: events of the processes, and --time-limit. */
int pool_read_and_handle_events(struct pool *p, struct err *e);
void pool_kill_workers_over_time_limit(struct pool *p);
int64_t pool_time_check_interval_ms(const struct pool *p);

#endif
