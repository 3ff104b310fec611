/* Passes a stream through the workers: writes the results of the records in
 * input order, and each mark after the results of all records before it.
 * Fails: as the stage or the pool does; the caller closes both. */
#ifndef TRANSFORM_TRANSFORM_H
#define TRANSFORM_TRANSFORM_H

#include "pool/pool.h"

#include "stream/stage.h"

struct transform {
	struct stage *stage;
	struct pool *pool;
	struct json json;       /* for lines that are too long for a worker */
	const char *file;       /* input file of the records in the pool */
};

int transform_run(struct transform *t, struct err *e);

#endif
