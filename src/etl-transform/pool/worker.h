/* The keeper and worker processes; the filter never runs in the parent. The
 * keeper compiles the filter (not always for libjq: see choice.c). It forks a
 * worker when the parent sends the number of a lane (a worker with its slots),
 * so a dead worker is replaced at once, and a crash in the compiler ends only
 * the keeper. A worker runs the FULL slots of its lane, then waits for a byte
 * on its wake pipe.
 * Fails: they never return; the keeper reports failures and deaths by events.
 *        They die with their parent. 0, 1 and 3 are /dev/null for them. */
#ifndef TRANSFORM_WORKER_H
#define TRANSFORM_WORKER_H

#include "engine/engine.h"
#include "pool/sandbox.h"
#include "pool/shared_slots.h"

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
/* Runs the slots of the lane until the parent needs the worker no more, and
 * exits. */
void worker_run(const struct worker_conf *c, unsigned int lane, void *engine,
    struct sandbox *sandbox) __attribute__((noreturn));

#endif
