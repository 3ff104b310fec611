/* Reads the part of jq's language that the native engine runs.
 * Gives: parse_filter() returns a tree in the arena, or NULL with *lacks. If
 *        libjq could refuse the text, *lacks is doubtful.
 * Source: the grammar of jq 1.6 (src/parser.y). What jq's versions read in
 *        different ways is lacking. */
#ifndef TRANSFORM_PARSER_H
#define TRANSFORM_PARSER_H

#include "native/tree.h"

struct node *parse_filter(
    struct arena *a, const char *text, struct lacks *lacks);

#endif
