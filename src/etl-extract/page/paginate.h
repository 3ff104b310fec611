/* How one page follows the other. One file per kind, one const struct per
 * file, all listed in paginate.c.
 * Owns:  open() fills *self; close() frees it, NULL allowed.  ask and close may
 *        be NULL: nothing to do.
 * Gives: ask() puts into the request what names the next page; more() looks
 *        at the page that came: 1 another follows, 0 it was the last.
 * Fails: open() with ERR_USAGE for options that do not go together. */
#ifndef EXTRACT_PAGINATE_H
#define EXTRACT_PAGINATE_H

#include "extract.h"
#include "http/fetch.h"
#include "page/body.h"

struct page {
	const struct http_answer *answer;
	const struct body *body;
	uint64_t records;               /* in this one */
	const char *shown;              /* its URL, for messages */
};

struct paginator {
	const char *name;
	bool overlaps;          /* a page begins with what the one before had,
	                         * and one with nothing else is the last */
	int (*open)(void **self, const struct extract_opts *o, struct err *e);
	int (*ask)(void *self, struct request *r, struct err *e);
	int (*more)(void *self, const struct page *p, struct err *e);
	void (*close)(void *self);
};

extern const struct paginator paginator_none;
extern const struct paginator paginator_page;
extern const struct paginator paginator_since;

int paginator_find(const struct paginator **p, const struct extract_opts *o,
    struct err *e);

#endif
