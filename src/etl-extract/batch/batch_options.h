/* The options of --batch-each.
 * Fails: ERR_USAGE for a wrong value, for options that cannot be given
 *        together, and for an option that needs --batch-each. */
#ifndef EXTRACT_BATCH_OPTIONS_H
#define EXTRACT_BATCH_OPTIONS_H

#include "extract.h"

/* The parsed options, with defaults for those that were not given. */
struct batch_options {
	const char *ids, *match;
	bool missing_is_null, many;
	int64_t flush;          /* milliseconds */
};

int batch_options_check(const struct extract_opts *o, struct err *e);
int batch_options_parse(struct batch_options *b,
    const struct extract_opts *o, struct err *e);

#endif
