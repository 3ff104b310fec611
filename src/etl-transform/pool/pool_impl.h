/* Inside pool*.c.  Turns count batches: turn t is in lane t % lanes, slot
 * t / lanes % SLOTS; filling is the one that takes lines, emptying the one
 * that gives outcomes. */
#ifndef TRANSFORM_POOL_IMPL_H
#define TRANSFORM_POOL_IMPL_H

#include "pool/pool.h"
#include "pool/worker.h"

#include <sys/types.h>

enum { STRIKES = 5 };           /* deaths of a worker that held no record */

struct watch {                  /* of one lane */
	uint64_t turn;          /* the record it was last seen with, */
	uint32_t begun;
	int64_t waited;         /* for how long */
	unsigned int strikes;
	bool killed;            /* by us, for the time limit */
};

struct pool {
	const struct pool_conf *conf;
	struct worker_conf worker;
	struct shared *shared;
	pid_t keeper;
	int events, commands;
	int *ends;              /* of the bells: read ends, then write ends */
	struct watch *watch;
	uint64_t filling, emptying;
	uint32_t emitted;       /* lines of the batch that is emptied */
	char reject[REJECT_MAX];        /* a copy, for a worker may be alive */
	int64_t looked;
	bool compiled;
};

struct batch *pool_batch(const struct pool *p, uint64_t turn);
struct slot *pool_slot(const struct pool *p, uint64_t turn);
unsigned int pool_lane(const struct pool *p, uint64_t turn);
unsigned int pool_slot_number(const struct pool *p, uint64_t turn);
void pool_ring(const struct pool *p, unsigned int lane);
int pool_start(struct pool *p, unsigned int lane, struct err *e);

/* Events, and the limits of time (pool_watch.c). */
int pool_events(struct pool *p, struct err *e);
void pool_look(struct pool *p);
int64_t pool_tick(const struct pool *p);

#endif
