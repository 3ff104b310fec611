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

#endif
