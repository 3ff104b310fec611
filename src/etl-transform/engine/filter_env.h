/* Finds out whether the text of a jq filter reads the environment.
 * Source: the lexical grammar of jq(1): strings with \(...), comments from #
 *         to the end of the line, .name is a member, $name a variable. */
#ifndef TRANSFORM_FILTER_ENV_H
#define TRANSFORM_FILTER_ENV_H

#include <stdbool.h>
#include <stddef.h>

/* True if the text calls env or reads $ENV. Modules that it imports are not
 * searched. */
bool filter_reads_env(const char *text, size_t n);

#endif
