/* Parses the options that name a place in a request or an answer:
 * TO:   where a value is put: query:NAME, header:NAME, body:/POINTER, url
 * FROM: where a value is found: /POINTER in the body, last:/POINTER in the last
 *       record, header:NAME, link
 * Borrows: the text; name points into it.
 * Fails: ERR_USAGE for any other form. `option` names the option; `kinds` is
 *        the OR of 1 << KIND for the kinds that the option accepts. */
#ifndef EXTRACT_LOCATOR_H
#define EXTRACT_LOCATOR_H

#include "base/errval.h"

enum locator_kind {
	LOCATOR_QUERY, LOCATOR_HEADER, LOCATOR_BODY, LOCATOR_URL,
	LOCATOR_LAST, LOCATOR_LINK
};

enum {
	LOCATORS_TO_VALUE = 1 << LOCATOR_QUERY | 1 << LOCATOR_HEADER |
	    1 << LOCATOR_BODY,
	LOCATORS_TO_ANY = LOCATORS_TO_VALUE | 1 << LOCATOR_URL,
	LOCATORS_FROM_TOTAL = 1 << LOCATOR_HEADER | 1 << LOCATOR_BODY,
	LOCATORS_FROM_ANY = LOCATORS_FROM_TOTAL | 1 << LOCATOR_LAST |
	    1 << LOCATOR_LINK
};

struct locator {
	enum locator_kind kind;
	const char *name;       /* NAME or /POINTER, else NULL */
};

int locator_parse_to(struct locator *l, const char *option, const char *text,
    unsigned kinds, struct err *e);
int locator_parse_from(struct locator *l, const char *option, const char *text,
    unsigned kinds, struct err *e);

#endif
