/* Detects a page that has exactly the records of the page before. As long as
 * the records of a page equal the first ones of the page before, they are held
 * back. So if the page is a repetition, its records are not written twice. At
 * most 1,000 records and 256 KiB are held back: if a page is longer, its start
 * is written before the repetition is detected.
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
	struct line *line;      /* the held records, without data */
	size_t n_held, next;    /* next: index of the next to return */
	size_t at;              /* offset of its bytes in held */
};

int page_repeat_init(struct page_repeat *r, struct err *e);
void page_repeat_release(struct page_repeat *r);
/* Adds a record of this page, and its hash. Returns true if it was held back.
 * If it returns false, the held records must be written before this one. */
bool page_repeat_add(struct page_repeat *r, const struct line *record,
    struct record_hash hash);
/* Sets *record to the next held record. Returns false if there is no more. */
bool page_repeat_take_held(struct page_repeat *r, struct line *record);
/* Called at the end of a page. Returns true if the page has exactly the records
 * of the page before. In any case starts a new page. */
bool page_repeat_end(struct page_repeat *r);

#endif
