/* The stream through the workers: records in, their outcomes out in order,
 * marks behind all that came before them.
 * Fails: as the stage or the pool does; the caller ends both. */
#ifndef TRANSFORM_TRANSFORM_H
#define TRANSFORM_TRANSFORM_H

#include "pool/pool.h"

#include "stream/stage.h"

struct transform {
	struct stage *stage;
	struct pool *pool;
	struct json json;       /* for lines that no worker gets */
	const char *file;       /* of the records that the workers have */
};

int transform_run(struct transform *t, struct err *e);

#endif
