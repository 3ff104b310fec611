/* Gives the records of a page while its answer arrives. If the answer is cut
 * off, sends the request again and skips the records that it gave before.
 * Owns:  the splitter, and the outline: the answer without its records.
 * Borrows: fetch, request and answer, until the end of the page.
 * Gives: PAGE_RECORD; PAGE_PAUSE: the next call may wait; PAGE_END: the whole
 *        page has come, and `body` has its outline.
 * Fails: with the errors of fetch.h; transient if a retry gets other
 *        records. */
#ifndef EXTRACT_PAGES_H
#define EXTRACT_PAGES_H

#include "base/buf.h"
#include "base/errval.h"
#include "document/splitter.h"
#include "page/body.h"
#include "stream/lines.h"

/* A 128-bit hash of a record, to detect a page or a record that came before.
 * Two different records practically never have the same hash by chance. The
 * hash is not cryptographic: a service could construct two records with the
 * same hash, but it could as well leave records out. */

struct record_hash {
	uint64_t a, b;
};

struct record_hash record_hash(const struct line *record);

/* The number of bytes of a body that are stored in answer.body for a
 * message. */
enum { PAGE_START_KEPT = 64 << 10 };

/* PAGE_MORE is never returned to a caller: in pages.c it means that the
 * loop must go on. */
enum page_next { PAGE_FAILED = -1, PAGE_END, PAGE_RECORD, PAGE_PAUSE,
	PAGE_MORE };

struct page_records {
	struct fetch *fetch;
	struct http_answer *answer;
	struct walk_conf conf;
	bool wants_last;        /* put the last record into the outline */
	struct splitter *splitter;
	struct buf last, outline;
	struct body body;       /* the outline, after PAGE_END */
	uint64_t given;         /* records that the caller has received */
	struct record_hash given_hash;  /* of these records */
	struct record_hash hash;        /* of the last record */
	uint64_t seen;          /* records of this answer */
	struct record_hash seen_hash;
	bool has_paused;
	bool has_failed;        /* request the answer again; why: reason */
	struct err why;
};

int page_records_open(struct page_records *r, struct fetch *f,
    const struct extract_opts *o, struct err *e);
void page_records_close(struct page_records *r);
/* Requests that the outline contains the value that an option such as --total
 * names. `from` is the value of the option, or NULL. Does nothing for places
 * outside of the body. Call it before page_records_open(). */
void page_records_keep(struct page_records *r, const char *from);
/* Sends the request of the next page. */
int page_records_begin(struct page_records *r, const struct request *request,
    struct http_answer *a, struct err *e);
/* The record is valid until the next call. record->number is its place on the
 * page, from 1. */
enum page_next page_records_next(
    struct page_records *r, struct line *record, struct err *e);

/* Detects a page that has exactly the records of the page before. As long as
 * the records of a page equal the first ones of the page before, they are held
 * back. So if the page is a repetition, its records are not written twice. At
 * most 1,000 records and 256 KiB are held back: if a page is longer, its start
 * is written before the repetition is detected.
 * Owns:  the hashes of two pages, the held records. */

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

/* Finds the records of a page that the page before had too: with --paginate
 * since, a page begins with the last records of the page before. Records are
 * compared by their hashes. If the page before had a record twice, two equal
 * records of this page are found.
 * Owns:  the hashes of the stored page and of the page that is being read. */

struct overlap_slot {
	struct record_hash hash;
	bool is_used, is_taken;
	bool top;               /* see overlap_end_page() */ };

struct overlap {
	struct overlap_slot *slot;
	size_t n_slots;         /* a power of two, or 0 */
	struct record_hash *page;       /* the records of this page so far */
	size_t n, cap;
	bool has_top;           /* this page has a top record of the stored
				 * page */
};

/* Adds a record to this page. Sets *found if the stored page has an equal
 * record that no earlier call has found. */
int overlap_add(struct overlap *o,
    struct record_hash record, bool *found, struct err *e);
/* Stores this page in place of the page before, and starts a new page. The top
 * records of the stored page are those from number `first_top_record` on,
 * counted from 1. The caller passes the number of the record that last raised
 * the highest cursor value, so the next page must repeat a top record. */
int overlap_end_page(struct overlap *o, uint64_t first_top_record,
    struct err *e);
void overlap_release(struct overlap *o);

#endif
