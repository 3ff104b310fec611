/* Reads the value at a place of a page: in its body, in its last record, in a
 * header, or the target of its Link header with rel=next.
 * Owns:  text; page_value_release() frees it.
 * Gives: page_value_read() returns 1 and sets *v, or 0 if the page has no such
 *        value or null. A header and a link count as strings. The text of a
 *        string has its escapes decoded; other values are as in the page.
 * Fails: ERR_PEER if the value, or the last record, is not valid JSON. */
#ifndef EXTRACT_PAGE_VALUE_H
#define EXTRACT_PAGE_VALUE_H

#include "page/locator.h"
#include "page/page.h"

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

#endif
