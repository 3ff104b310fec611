/* The records of an answer: in its body as a whole (struct body), or while it
 * arrives (struct page_records). */
#ifndef EXTRACT_PAGES_H
#define EXTRACT_PAGES_H

#include "document/splitter.h"
#include "http/fetch.h"
#include "json/scan.h"
#include "page/seen.h"
#include "stream/lines.h"

/* The body of an answer as JSON, and the array of records in it.
 * Borrows: the answer, until the next body_parse().
 * Gives: body_parse() scans the text into j. body_find_records() sets `array`
 *        to the token of the array of records, or sets no_records if the answer
 *        has status 204 or null at the pointer of --records.
 * Fails: ERR_PEER with the start of the body, transient if the text ends too
 *        early; ERR_CONFIG for two arrays without --records. */
struct body {
	const struct fetch *fetch;      /* masks secrets in messages */
	const char *records;            /* --records, or NULL */
	unsigned levels_in_records;     /* 1: tokens also of their members */
	const struct http_answer *answer;
	struct json j;
	uint32_t array;                 /* token of the array of records */
	bool no_records;                /* status 204, or null: no array */
};

int body_parse(struct body *b, const struct http_answer *a, struct err *e);
int body_find_records(struct body *b, struct err *e);
/* These functions set *e to ERR_PEER, with the start of the body in the
 * message, and return -1. */
int body_fail(const struct body *b, const char *why, bool transient,
    struct err *e);
int body_fail_no_array(const struct body *b, struct err *e);
uint64_t body_count_records(const struct body *b);

/* A page (one answer with records) as a paginator sees it.
 * Borrows: everything, while the paginator looks at the page. */
struct page {
	const struct fetch *fetch;      /* that has fetched the page */
	const struct http_answer *answer;
	const struct body *body;
	uint64_t records;               /* number of records on this page */
	const char *url;                /* for messages: secrets are masked */
};

/* Gives the records of a page while its answer arrives. If the answer is cut
 * off, sends the request again and skips the records that it gave before.
 * Owns:  the splitter, and the outline: the answer without its records.
 * Borrows: fetch, request and answer, until the end of the page.
 * Gives: PAGE_RECORD; PAGE_PAUSE: the next call may wait; PAGE_END: the whole
 *        page has come, and `body` has its outline.
 * Fails: with the errors of fetch.h; transient if a retry gets other
 *        records. */

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

#endif
