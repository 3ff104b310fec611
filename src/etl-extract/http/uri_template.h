/* Expands URI templates (RFC 6570, levels 1 to 3) with the members of a record.
 * Scheme, host and port must be written out in the template: a record must not
 * choose the server that receives the credentials.
 * Borrows: the text of the template.
 * Gives: template_expand() returns 1 with the URL in out; 0 if the record does
 *        not fit, with the member and the reason in *f. */
#ifndef EXTRACT_URI_TEMPLATE_H
#define EXTRACT_URI_TEMPLATE_H

#include "base/buf.h"
#include "json/scan.h"

struct template_fault {
	const char *code;       /* of the reject: required, type, encoding or
				 * range */
	const char *why;
	const char *name;       /* of the member, not NUL-terminated */
	size_t len;             /* of name */
};

int template_check(const char *text, struct err *e);
int template_expand(const char *text, const struct json *j, struct buf *out,
    struct template_fault *f, struct err *e);

#endif
