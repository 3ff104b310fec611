/* URI templates (RFC 6570, levels 1 to 3) over a record's members.
 * The origin stands in the template itself: a record's values begin after the
 * host, so that no record chooses where credentials go.
 * Owns:  nothing; the text is borrowed.
 * Gives: 1 expanded; 0 not: *f says which member is at fault. */
#ifndef EXTRACT_URI_TEMPLATE_H
#define EXTRACT_URI_TEMPLATE_H

#include "base/buf.h"
#include "json/scan.h"

struct template_fault {
	const char *code;               /* required, type, encoding, range */
	const char *why;
	const char *name;               /* of the member */
	size_t len;
};

int template_check(const char *text, struct err *e);
int template_expand(const char *text, const struct json *j, struct buf *out,
    struct template_fault *f, struct err *e);

#endif
