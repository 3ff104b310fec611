/* A page (one answer with records) as a paginator sees it.
 * Borrows: everything, while the paginator looks at the page. */
#ifndef EXTRACT_PAGE_H
#define EXTRACT_PAGE_H

#include "http/fetch.h"
#include "page/body.h"

struct page {
	const struct fetch *fetch;      /* that has fetched the page */
	const struct http_answer *answer;
	const struct body *body;
	uint64_t records;               /* number of records on this page */
	const char *url;                /* for messages: secrets are masked */
};

#endif
