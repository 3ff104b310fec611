/* A paginator decides how each page is requested and which page is the last.
 * Each kind is one file with one const struct; paginate.c lists all.
 * Owns:  open() sets *self; close() frees it and accepts NULL. prepare_request
 *        and close may be NULL: then nothing is called.
 * Gives: prepare_request() changes the request for the next page. has_more()
 *        looks at the page that came: 1 if another page follows, 0 if not.
 * Fails: open() with ERR_USAGE for options that do not fit together. */
#ifndef EXTRACT_PAGINATE_H
#define EXTRACT_PAGINATE_H

#include "common/extract.h"
#include "page/pages.h"

/* The bits of paginator.takes: the options that only some paginators accept. */
enum {
	TAKES_INTO = 1, TAKES_FIRST = 2, TAKES_SIZE = 4, TAKES_TOTAL = 8,
	TAKES_NEXT = 16, TAKES_MORE = 32
};

struct paginator {
	const char *name;
	unsigned takes;
	bool overlaps;          /* each page begins with the last records of
				 * the page before; a page that has only such
				 * records is the last page */
	const char *if_second_page_repeats;     /* the advice if two pages have
						 * the same records */
	int (*open)(void **self, const struct extract_opts *o, struct err *e);
	int (*prepare_request)(void *self, struct request *r, struct err *e);
	/* Changes the request to that of the n-th page after the one that was
	 * prepared last. Returns 1, or 0 if it is not known whether this page
	 * exists. The pointer is NULL if this is never known. */
	int (*prepare_upcoming)(
	    void *self, uint64_t n, struct request *r, struct err *e);
	int (*has_more)(void *self, const struct page *p, struct err *e);
	void (*close)(void *self);
};

int paginator_choose(const struct paginator **p, const struct extract_opts *o,
    struct err *e);

/* Refuses --jobs if the request of a page is not known before the page before
 * it has come. */
int paginator_check_jobs(const struct paginator *p,
    const struct extract_opts *o, struct err *e);

#endif
