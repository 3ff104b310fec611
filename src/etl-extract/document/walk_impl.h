/* The open objects and arrays of a walk, and what a value in them is for. */
#ifndef EXTRACT_WALK_IMPL_H
#define EXTRACT_WALK_IMPL_H

#include "document/walk.h"
#include "document/walk_path.h"

enum expected {
	TOP_VALUE, NOTHING, VALUE, VALUE_OR_END, NAME, NAME_OR_END, COLON,
	COMMA_OR_END
};

enum { WALK_RECORDS = 1 };      /* the bit of the path of --records */

/* The innermost open object or array, or NULL. */
static inline struct walk_frame *
innermost(struct walk *w)
{
	return w->depth == 0 ? NULL : &w->frame[w->depth - 1];
}

/* Sets the fault and returns WALK_BROKEN. */
enum walk_use walk_fail(struct walk *w, enum walk_fault_kind kind,
    const char *why);
/* Which of the paths that lead through the innermost object or array also lead
 * through its member or element of this name. */
uint32_t walk_match_paths(struct walk *w, const char *name, size_t n);
/* What the value is for that starts with c. If it leads to the records or to a
 * wanted value, it is entered: WALK_TAKEN. */
enum walk_use walk_use_of_value(struct walk *w, char c);
/* Appends a part of the outline: a value, or the start of one. */
void walk_put_part(struct walk *w, const char *p, size_t n);
/* Returns use, or WALK_BROKEN if the outline has failed. */
enum walk_use walk_check_outline(struct walk *w, enum walk_use use);

#endif
