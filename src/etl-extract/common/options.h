/* The table of the options of etl-extract: their names and types, their lines
 * in --help, the fields of struct extract_opts that they set, and the values of
 * these fields if an option is not given. */
#ifndef EXTRACT_OPTIONS_H
#define EXTRACT_OPTIONS_H

#include "common/extract.h"

extern const struct opt_spec extract_option_spec;
extern const struct extract_opts extract_option_defaults;

/* Checks which options may be used with which kinds of sources. An option that
 * fits none of the sources of a run is refused: if it were ignored, the run
 * would not do what the user asked for.
 * Fails: ERR_USAGE with the name of the option and what it is for. */

/* The kinds of sources, one bit each. */
enum {
	KIND_HTTP = 1, KIND_SQL = 2, KIND_NDJSON = 4, KIND_CSV = 8,
	KIND_JSON = 16, KIND_SINGER_FILE = 32, KIND_TAP = 64, KIND_EACH = 128,
	KIND_HTTP_FILE = 512,   /* a file behind a URL; with the kind of file */
	KIND_FILES = KIND_NDJSON | KIND_CSV | KIND_JSON | KIND_SINGER_FILE
};

/* `kinds` has the bits of all sources of the run. */
int source_options_check(
    const struct extract_opts *o, unsigned kinds, struct err *e);

#endif
