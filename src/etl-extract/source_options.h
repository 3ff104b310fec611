/* Which options suit which kinds of sources. An option that suits none of the
 * sources of a run is refused: if it were ignored, the run would do something
 * else than the user asked for.
 * Fails: ERR_USAGE with the name of the option and what it is for. */
#ifndef EXTRACT_SOURCE_OPTIONS_H
#define EXTRACT_SOURCE_OPTIONS_H

#include "extract.h"

/* What reads records. Each of them is one bit. */
enum {
	KIND_HTTP = 1, KIND_SQL = 2, KIND_NDJSON = 4, KIND_CSV = 8,
	KIND_JSON = 16, KIND_SINGER_FILE = 32, KIND_TAP = 64, KIND_EACH = 128,
	KIND_FILES = KIND_NDJSON | KIND_CSV | KIND_JSON | KIND_SINGER_FILE
};

/* KINDS has the bits of all sources of the run. */
int source_options_check(
    const struct extract_opts *o, unsigned kinds, struct err *e);

#endif
