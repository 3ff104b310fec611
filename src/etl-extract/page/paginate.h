/* A paginator decides how each page is requested and which page is the last.
 * Each kind is one file with one const struct; paginate.c lists all.
 * Owns:  open() sets *self, and close() frees it, also if it is NULL.
 *        prepare_request and close may be NULL: then nothing is called.
 * Gives: prepare_request() puts the number of the next page into the request.
 *        has_more() looks at the page that came: 1 if another page follows, 0
 *        if it was the last.
 * Fails: open() with ERR_USAGE for options that do not fit together. */
#ifndef EXTRACT_PAGINATE_H
#define EXTRACT_PAGINATE_H

#include "extract.h"
#include "http/fetch.h"
#include "page/body.h"

struct page {
	const struct http_answer *answer;
	const struct body *body;
	uint64_t records;               /* number of records on this page */
	const char *url;                /* for messages: secrets are masked */
};

struct paginator {
	const char *name;
	bool overlaps;          /* each page begins with the last records of
				 * the page before; a page that has only such
				 * records is the last page */
	int (*open)(void **self, const struct extract_opts *o, struct err *e);
	int (*prepare_request)(void *self, struct request *r, struct err *e);
	int (*has_more)(void *self, const struct page *p, struct err *e);
	void (*close)(void *self);
};

extern const struct paginator paginator_none;
extern const struct paginator paginator_page;
extern const struct paginator paginator_since;

int paginator_find(const struct paginator **p, const struct extract_opts *o,
    struct err *e);

#endif
