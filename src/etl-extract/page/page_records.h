/* Gives the records of a page while its answer arrives. If the answer is cut
 * off, sends the request again and skips the records that it gave before.
 * Owns:  the splitter, and the outline: the answer without its records.
 * Borrows: fetch, request and answer, until the end of the page.
 * Gives: PAGE_RECORD; PAGE_PAUSE: the next call may wait; PAGE_END: the whole
 *        page has come, and `body` has its outline.
 * Fails: with the errors of fetch.h; transient if a retry gets other
 *        records. */
#ifndef EXTRACT_PAGE_RECORDS_H
#define EXTRACT_PAGE_RECORDS_H

#include "document/splitter.h"
#include "page/body.h"
#include "page/record_hash.h"

/* The number of bytes of a body that are stored in answer.body for a
 * message. */
enum { PAGE_START_KEPT = 64 << 10 };

/* PAGE_MORE is never returned to a caller: in page_records.c it means that the
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

#endif
