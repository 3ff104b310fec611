/* Finds members by their names in the large objects of a text. Unlike
 * json_member_value() it does not read the whole object for each name.
 * Owns:  the sorted names of all objects that have more than MEMBER_INDEX_FEW
 *        members. The first search sorts them.
 * Fails: member_index_find() sets *nomem and returns 0. */
#ifndef JSON_MEMBER_INDEX_H
#define JSON_MEMBER_INDEX_H

#include "json/scan.h"

/* In a smaller object json_member_value() is fast enough. */
enum { MEMBER_INDEX_FEW = 32 };

struct member_index {
	struct indexed_object *objects; /* in the order of their tokens */
	uint32_t *names;                /* tokens, sorted in each object */
	uint32_t n, cap, n_names, cap_names;
	bool built;
};

/* Forgets the text and keeps the memory for the next text. */
void member_index_clear(struct member_index *m);
void member_index_release(struct member_index *m);
/* Finds a member as json_member_value() does. */
uint32_t member_index_find(struct member_index *m, const struct json *j,
    uint32_t obj, const char *name, size_t len, bool *nomem);

#endif
