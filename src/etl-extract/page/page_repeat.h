/* Notices a page that has exactly the records of the page before it. As long as
 * the records of a page equal the first ones of the page before, they are held
 * back; so those of a repeated page are not written twice. Only the first 1,000
 * records and 256 KiB are held back: of a longer page, only the end shows that
 * it is repeated.
 * Owns:  the hashes of two pages, the held records. */
#ifndef EXTRACT_PAGE_REPEAT_H
#define EXTRACT_PAGE_REPEAT_H

#include "base/buf.h"
#include "page/record_hash.h"

struct page_hashes {
	struct record_hash *first;      /* of the first records */
	struct record_hash all;
	uint64_t n;                     /* of all records */
};

struct page_repeat {
	struct page_hashes before, page;
	bool differs;           /* this page differs from the page before */
	struct buf held;        /* the bytes of the held records */
	struct line *line;      /* these records; data is not set */
	size_t n_held, next;    /* next: the next of them to return */
	size_t at;              /* its bytes in held */
};

int page_repeat_init(struct page_repeat *r, struct err *e);
void page_repeat_release(struct page_repeat *r);
/* Adds a record of this page, and its hash. Returns true if it was held back.
 * If it returns false, the held records must be written first. */
bool page_repeat_add_or_hold(struct page_repeat *r, const struct line *record,
    struct record_hash hash);
/* Sets *record to the next held record; false if there is none. */
bool page_repeat_next_held(struct page_repeat *r, struct line *record);
/* At the end of a page: true if it has exactly the records of the page before.
 * Then it starts a new page. */
bool page_repeat_end_page(struct page_repeat *r);

#endif
