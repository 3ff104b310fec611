/* Visits the members of a JSON answer and the members of the objects in it,
 * down to a depth of MEMBERS_DEPTH. Does not look into arrays.
 * Borrows: the pointer is valid only during the call of each(). */
#ifndef EXTRACT_MEMBERS_H
#define EXTRACT_MEMBERS_H

#include "json/scan.h"

enum { MEMBERS_DEPTH = 4, MEMBER_KEY = 64, MEMBER_POINTER = 512 };

struct member {
	const char *pointer;            /* JSON Pointer of the value */
	const char *name;               /* without quotes and escapes */
	size_t n;
	char key[MEMBER_KEY];           /* the name in lower case, without
					 * "_", "-", "." and "@" */
	uint32_t value;                 /* token */
	unsigned depth;                 /* from 1 */
};

typedef void member_each(
    void *self, const struct json *j, const struct member *m);

/* Calls each() for the members. Leaves out members with a very long pointer,
 * and members whose name has a control character.
 * Fails only if memory is out. */
int members_visit(const struct json *j, uint32_t object, member_each *each,
    void *self, struct err *e);
/* Makes the key of a name: see the field `key` of struct member. */
void member_make_key(char out[MEMBER_KEY], const char *name, size_t n);

#endif
