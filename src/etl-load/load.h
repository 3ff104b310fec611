/* What the parts of etl-load share: the options as given, and the sums.
 * Borrows: texts of the options until the program ends. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "base/errval.h"
#include "base/stdfd.h"

#include <stdint.h>

struct load_opts {
	const char *db, *table, *key, *mode, *ddl, *compare, *touch, *seen;
	const char *duplicates, *rejects, *max_rejects, *backoff;
	uint64_t batch, flush, max_record, retries;
	bool plain, single, verbose, again, no_checkpoint;
};

/* What has become of the records; in a batch they are sums of one try. */
struct sums {
	uint64_t in, inserted, updated, unchanged, superseded, skipped,
	    rejected;
};

int load_run(const struct load_opts *o, const struct stdfd *fds,
    struct err *e);

#endif
