/* The parent's side of the workers: lines go in, outcomes come out in order.
 * Owns:  the shared memory, the keeper process and the pipes to it.
 * Flow:  open; ready; add lines while there is room, submit what is not full;
 *        wait; take outcomes with next until it has none; close.
 * Gives: the death of a worker, or a limit it reached, as a reject of the one
 *        record it held.
 * Fails: ERR_CONFIG where the filter does not compile; transient where the
 *        keeper was killed or no process can be made. */
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
	uint64_t time_limit;            /* milliseconds of one record */
	uint64_t memory_limit;          /* bytes */
};

struct result {
	const char *line;
	size_t line_len;
	uint64_t number, offset;
	const char *text;               /* outputs, with LF; none: a drop */
	size_t text_len;
	const char *code, *message, *pointer;   /* code NULL: no reject */
};

struct pool;

int pool_open(struct pool **p, const struct pool_conf *c, struct err *e);
int pool_ready(struct pool *p, struct err *e);  /* compiled; else fails */
bool pool_room(const struct pool *p);
bool pool_idle(const struct pool *p);           /* holds no line */
void pool_add(struct pool *p, const struct line *l);
void pool_submit(struct pool *p);
/* Until something happened, fd (-1: none) can be read, a while has passed or
 * a stop signal came. */
int pool_wait(struct pool *p, int fd, struct err *e);
bool pool_next(struct pool *p, struct result *r);
void pool_close(struct pool *p, bool whole);    /* whole: all was done */

#endif
