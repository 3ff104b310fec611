/* Parts of walk.c and walk_use.c: the open objects and arrays of a walk, and
 * the use of the values in them. */
#ifndef EXTRACT_WALK_IMPL_H
#define EXTRACT_WALK_IMPL_H

#include "document/walk.h"
#include "document/walk_path.h"

enum expected {
	TOP_VALUE, NOTHING, VALUE, VALUE_OR_END, NAME, NAME_OR_END, COLON,
	COMMA_OR_END
};

enum { WALK_RECORDS = 1 };      /* the bit of the path of --records */

/* Returns the innermost open object or array, or NULL. */
static inline struct walk_frame *
innermost(struct walk *w)
{
	return w->depth == 0 ? NULL : &w->frame[w->depth - 1];
}

/* Sets the fault and returns WALK_BROKEN. */
enum walk_use walk_fail(struct walk *w, enum walk_fault_kind kind,
    const char *why);
/* Returns the paths through the innermost object or array that also lead
 * through its member or element with this name. */
uint32_t walk_find_paths(struct walk *w, const char *name, size_t n);
/* Returns the use of the value that starts with c. If the way to the records or
 * to a wanted value leads into this value, opens it and returns WALK_TAKEN. */
enum walk_use walk_choose_use(struct walk *w, char c);
/* Appends a part of the outline: a whole value, or its opening bracket. In an
 * object, appends the name of the member first. */
void walk_put_part(struct walk *w, const char *p, size_t n);
/* Returns `use`, or WALK_BROKEN if appending to the outline has failed. */
enum walk_use walk_check_outline(struct walk *w, enum walk_use use);

#endif
