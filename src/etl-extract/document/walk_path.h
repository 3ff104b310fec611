/* The parts of a JSON Pointer, decoded: a/b and c of /a~1b/c.
 * Owns:  the text of the parts.
 * Borrows: nothing.
 * Fails: walk_path_split() returns false if memory is out. */
#ifndef EXTRACT_WALK_PATH_H
#define EXTRACT_WALK_PATH_H

#include "json/scan.h"

struct walk_path {
	char *text;
	char *part[JSON_DEPTH_MAX];
	unsigned n;             /* number of parts; those after the first
				 * JSON_DEPTH_MAX are not stored */
};

bool walk_path_split(struct walk_path *p, const char *pointer);
void walk_path_release(struct walk_path *p);
/* True if part k is this name. */
bool walk_path_has_name(const struct walk_path *p, unsigned k, const char *name,
    size_t n);
/* True if part k has the form of an array index. */
bool walk_path_has_index(const struct walk_path *p, unsigned k);

#endif
