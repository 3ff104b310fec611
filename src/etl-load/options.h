/* The table of the options of etl-load: their names and types, their lines in
 * --help, the fields of struct load_opts that they set, and the values of these
 * fields if an option is not given. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "load.h"

extern const struct opt_spec load_option_spec;
extern const struct load_opts load_option_defaults;

#endif
