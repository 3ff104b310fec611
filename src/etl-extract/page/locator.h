/* Where a value of the paging goes TO, or comes FROM, as users write it.
 * TO:   query:NAME, header:NAME, body:/POINTER, url
 * FROM: /POINTER (in the body), last:/POINTER, header:NAME, link
 * Borrows: the text, from which name points.
 * Fails: ERR_USAGE for any other form. */
#ifndef EXTRACT_LOCATOR_H
#define EXTRACT_LOCATOR_H

#include "base/errval.h"

enum locator_kind {
	LOCATOR_QUERY, LOCATOR_HEADER, LOCATOR_BODY, LOCATOR_URL,
	LOCATOR_LAST, LOCATOR_LINK
};

struct locator {
	enum locator_kind kind;
	const char *name;       /* a name, or a pointer */
};

int locator_to(struct locator *l, const char *option, const char *text,
    struct err *e);
int locator_from(struct locator *l, const char *option, const char *text,
    struct err *e);

#endif
