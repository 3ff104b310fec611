/* Decides from --total and --more whether a page is the last one.
 * Borrows: the options.
 * Gives: page_end_check(): PAGE_IS_LAST if as many records have come as the
 *        total says, or if the value of --more is false; PAGE_HAS_NEXT if the
 *        value of --more is true; else PAGE_SAYS_NOTHING.
 * Fails: ERR_PEER if the total is not a number. */
#ifndef EXTRACT_PAGE_END_H
#define EXTRACT_PAGE_END_H

#include "page/page_value.h"

enum page_end_answer { PAGE_SAYS_NOTHING, PAGE_IS_LAST, PAGE_HAS_NEXT };

struct page_end {
	bool has_total, has_more;
	struct locator total, more;
	bool starts_late;       /* the first pages are not read */
	bool must_not_shrink;   /* fail if the total falls: records would move
				 * to pages that were read, and no later run
				 * would read them */
	uint64_t seen;          /* records so far */
	int64_t last_total;     /* the total that the page before stated */
};

int page_end_parse(struct page_end *n, const struct extract_opts *o,
    struct err *e);
int page_end_check(struct page_end *n, const struct page *p,
    enum page_end_answer *answer, struct err *e);

#endif
