/* Parses the part of jq's language that the native engine runs.
 * Gives: parse_filter() returns a tree in the arena, or NULL with *lacks if the
 *        text has a form that the native engine lacks. If libjq could refuse
 *        the text, lacks->doubtful is set.
 * Source: the grammar of jq 1.6 (src/parser.y). A form that the versions of jq
 *         read in different ways counts as lacking. */
#ifndef TRANSFORM_PARSER_H
#define TRANSFORM_PARSER_H

#include "native/value.h"

struct node *parse_filter(
    struct arena *a, const char *text, struct lacks *lacks);

#endif
