/* The cursor's value in a record, and the one kind that all of a run have.
 * Borrows: from, hint and field until the last look.
 * Gives: kind_look(): 1 the value stands in text, 0 it is the reject in *r,
 *        whose message is in why.
 * Fails: ERR_CONFIG where the stored value, or the values among themselves,
 *        cannot be compared. */
#ifndef EXTRACT_CURSOR_KIND_H
#define EXTRACT_CURSOR_KIND_H

#include "cursor/cursor_value.h"
#include "json/scan.h"
#include "stream/reject.h"

struct kind {
	const char *field;      /* JSON Pointer */
	const char *from;       /* stored, or NULL */
	enum value_kind hint;   /* of what is stored, or else was given */
	enum value_kind kind;   /* VALUE_NONE: no record has decided */
	uint64_t missing;       /* records without it */
	uint64_t foreign;       /* values of another kind than the hint's */
	struct buf text;
	char why[256];
};

/* given: --since or --start, or NULL. */
void kind_init(struct kind *k, const char *field, const char *from,
    const char *given);
void kind_release(struct kind *k);
int kind_look(struct kind *k, const struct json *j, struct reject *r,
    struct err *e);

#endif
