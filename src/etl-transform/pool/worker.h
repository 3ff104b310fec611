/* The processes that run the filter, none of which is the parent's own.
 * The keeper compiles it once and forks a worker for each lane when told to
 * (a byte with the lane's number), so that a new one starts at once and a
 * filter that cannot be compiled safely ends with its keeper.  A worker runs
 * the FULL slots of its lane, then waits for a byte on its bell.
 * Fails: neither ever returns; the parent hears by events. Both die with
 *        their parent, and have 0, 1 and 3 closed to them. */
#ifndef TRANSFORM_WORKER_H
#define TRANSFORM_WORKER_H

#include "engine/engine.h"
#include "pool/shared_slots.h"

struct worker_conf {
	const struct engine *engine;
	const struct engine_conf *filter;
	struct shared *shared;
	enum json_members dup;
	bool plain;             /* nothing in the input is a mark */
	bool env;               /* --allow env */
	uint64_t memory;        /* --memory-limit, 0: none */
	int events;             /* written */
	int commands;           /* read by the keeper */
	const int *bells;       /* read by the worker, one a lane */
};

void keeper_run(const struct worker_conf *c, int parent)
    __attribute__((noreturn));
void worker_run(const struct worker_conf *c, unsigned int lane, void *engine)
    __attribute__((noreturn));

/* For both. */
void event_send(const struct worker_conf *c, enum event_kind kind,
    unsigned int lane, int status);
void die_with(int parent);

#endif
