/* The table of the options of etl-extract: their names and types, their lines
 * in --help, the fields of struct extract_opts that they set, and the values of
 * these fields if an option is not given. */
#ifndef EXTRACT_OPTIONS_H
#define EXTRACT_OPTIONS_H

#include "extract.h"

extern const struct opt_spec extract_option_spec;
extern const struct extract_opts extract_option_defaults;

#endif
