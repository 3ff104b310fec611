/* Parses the options that name a place in a request or an answer:
 * TO:   where a value is put: query:NAME, header:NAME, body:/POINTER, url
 * FROM: where a value is found: /POINTER in the body, last:/POINTER in the last
 *       record, header:NAME, link
 * Borrows: the text; name points into it.
 * Fails: ERR_USAGE for any other form. `option` names the option; `kinds` is
 *        the OR of 1 << KIND for the kinds that the option accepts. */
#ifndef EXTRACT_PLACES_H
#define EXTRACT_PLACES_H

#include "base/errval.h"
#include "http/request.h"
#include "page/pages.h"

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

/* Reads the value at a place of a page: in its body, in its last record, in a
 * header, or the target of its Link header with rel=next.
 * Owns:  text; page_value_release() frees it.
 * Gives: page_value_read() returns 1 and sets *v, or 0 if the page has no such
 *        value or null. A header and a link count as strings. The text of a
 *        string has its escapes decoded; other values are as in the page.
 * Fails: ERR_PEER if the value, or the last record, is not valid JSON. */

struct page_value {
	enum json_type type;
	struct buf text;
};

void page_value_init(struct page_value *v);
void page_value_release(struct page_value *v);
int page_value_read(struct page_value *v, const struct page *p,
    const struct locator *from, struct err *e);
/* Appends at most 80 bytes of the value, for a message. */
void page_value_show(
    struct buf *b, const struct page_value *v, const struct page *p);

/* Puts a value into a request at the place of a TO locator: a query parameter,
 * a header, or a member of the body. If the body has this member, its value is
 * replaced. Otherwise the member is added.
 * Fails: ERR_CONFIG if the body has no object for the member; ERR_PEER if the
 *        value has a control character, which no header can have. */

int request_put_value(struct request *r, const struct locator *to,
    struct page_value *v, struct err *e);
/* Like request_put_value(), for a number such as the number of a page. */
int request_put_number(struct request *r, const struct locator *to,
    uint64_t number, struct err *e);

/* Checks that the body has a place for the value of --into body:/POINTER. */
int request_check_body(const struct request *r, const struct extract_opts *o,
    struct err *e);

#endif
