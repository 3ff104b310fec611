#include "cursor/cursor.h"
#include "http/fetch.h"
#include "http/request.h"
#include "page/pages.h"
#include "page/paginate.h"
#include "page/places.h"
#include "source/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct pages {
	const struct extract_opts *o;
	const struct extract *x;
	const char *uri;
	struct fetch *fetch;
	const struct paginator *paginator;
	void *paging;                   /* the paginator's own state */
	struct request request;
	struct request upcoming;        /* of a page after this one (--jobs) */
	struct http_answer answer;      /* of this page */
	struct page_records records;    /* of this page */
	struct page_repeat repeat;      /* detects a repeated page */
	struct overlap overlap;         /* the records of the page before */
	uint64_t repeated;              /* records of this page that the page
					 * before had too */
	uint64_t size;                  /* --size, if pages overlap */
	uint64_t full;                  /* length of a full page: --size, or
					 * less if the service returns less */
	uint64_t previous_records;      /* number of records on the page
					 * before */
	struct buf shown;               /* URL of the page, without secrets */
	uint64_t page;                  /* number of this page, from 1 */
	struct line record;             /* to return after the held ones */
	bool has_record;
	bool gives_held;                /* first return the held records */
	bool is_open;                   /* this page has not ended */
	bool has_paused;                /* SOURCE_PAUSE came after this page */
	bool is_last;                   /* no page follows this page */
};

static void
pages_close(void *self)
{
	struct pages *p = self;

	if (p == NULL)
		return;
	if (p->fetch != NULL)
		fetch_set_upcoming(p->fetch, NULL);
	if (p->paginator != NULL && p->paginator->close != NULL)
		p->paginator->close(p->paging);
	request_release(&p->request);
	request_release(&p->upcoming);
	http_answer_release(&p->answer);
	page_records_close(&p->records);
	page_repeat_release(&p->repeat);
	overlap_release(&p->overlap);
	buf_release(&p->shown);
	free(p);
}

static int
put_cursor_bounds(const struct pages *p, struct request *r, struct err *e)
{
	return p->x->cursor == NULL || r->comes_from_page ? 0 :
	    cursor_put_bounds(p->x->cursor, &r->url, e);
}

/* Returns the request of the n-th page after the present one, or NULL. */
static const struct request *
make_upcoming(void *self, uint64_t n)
{
	struct pages *p = self;
	struct request *r = &p->upcoming;
	struct err e;

	if (p->o->max_pages != 0 && n > p->o->max_pages - p->page)
		return NULL;
	return request_set_url(r, p->o, p->uri, strlen(p->uri), &e) == 0 &&
	    p->paginator->prepare_upcoming(p->paging, n, r, &e) == 1 &&
	    put_cursor_bounds(p, r, &e) == 0 ? r : NULL;
}

/* Checks the options, prepares the paging that --paginate selects, and opens
 * the HTTP client. With --jobs, the client requests further pages early. */
static int
open_fetch(struct pages *p, struct extract *x, struct err *e)
{
	const struct upcoming u = { .get = make_upcoming, .self = p };
	const struct extract_opts *o = p->o;

	p->request.source = p->uri;
	if (request_check(o, p->uri, e) == -1 ||
	    request_load_body(&p->request, o, e) == -1 ||
	    paginator_choose(&p->paginator, o, e) == -1 ||
	    paginator_check_jobs(p->paginator, o, e) == -1 ||
	    fetch_check_jobs(o, e) == -1 ||
	    p->paginator->open(&p->paging, o, e) == -1 ||
	    request_check_body(&p->request, o, e) == -1)
		return -1;
	if (fetch_open_once(&p->fetch, x, e) == -1 ||
	    page_repeat_init(&p->repeat, e) == -1)
		return -1;
	page_records_keep(&p->records, o->total);
	page_records_keep(&p->records, o->next);
	page_records_keep(&p->records, o->more);
	if (page_records_open(&p->records, p->fetch, o, e) == -1)
		return -1;
	if (p->paginator->overlaps)
		p->full = p->size =
		    strtoull(strchr(o->size, '=') + 1, NULL, 10);
	p->x = x;
	if (o->jobs <= 1)
		return 0;
	if (request_copy(&p->upcoming, &p->request, e) == -1)
		return -1;
	fetch_set_upcoming(p->fetch, &u);
	return 0;
}

static int
pages_open(void **self, struct extract *x, const char *uri, struct err *e)
{
	struct pages *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return err_nomem(e);
	p->o = &x->opts;
	p->uri = uri;
	request_init(&p->request);
	request_init(&p->upcoming);
	http_answer_init(&p->answer, PAGE_START_KEPT);
	buf_init(&p->shown, p->request.url.max);
	if (open_fetch(p, x, e) == -1) {
		pages_close(p);
		return -1;
	}
	*self = p;
	return 0;
}

/* Sends the request of the next page. With --paginate since, after a full page,
 * holds the checkpoint marks until a record of that page has been repeated: see
 * check_overlap(). */
static int
request_next_page(struct pages *p, struct err *e)
{
	if (p->o->max_pages != 0 && p->page == p->o->max_pages)
		return err_set(e, ERR_LIMIT, false, "%s: stopped by "
		    "--max-pages %" PRIu64 ": more pages may follow: raise "
		    "--max-pages to read them",
		    buf_text(&p->shown), p->page);
	p->page++;
	p->repeated = 0;
	if (request_set_url(&p->request, p->o, p->uri, strlen(p->uri),
	    e) == -1 ||
	    (p->paginator->prepare_request != NULL &&
		p->paginator->prepare_request(p->paging, &p->request, e) ==
		    -1) ||
	    put_cursor_bounds(p, &p->request, e) == -1 ||
	    (p->x->cursor != NULL && p->page == 1 &&
		cursor_put_condition(p->x->cursor, &p->request, e) == -1) ||
	    page_records_begin(&p->records, &p->request, &p->answer, e) == -1)
		return -1;
	buf_clear(&p->shown);
	buf_str(&p->shown, fetch_masked_url(p->fetch, &p->request));
	if (p->shown.len == 0)
		return err_nomem(e);
	p->is_open = true;
	if (p->paginator->overlaps)
		cursor_hold_marks(p->x->cursor,
		    p->page > 1 && p->previous_records >= p->full);
	return 0;
}

static void
fill_page_item(struct pages *p, const struct line *record, struct item *it)
{
	*it = (struct item){ .line = *record, .kind = "http",
	    .uri = buf_text(&p->shown), .page = p->page,
	    .index = record->number };
	it->line.number = it->line.offset = 0;
}

/* With --paginate since, each request asks for cursor values >= the highest
 * value so far. So after a full page, the next page must repeat at least one of
 * the records with the highest value. If it does not, this function fails: the
 * service probably returns only values > the highest one, and has skipped the
 * other records with this value. No checkpoint may be stored past them.
 *
 * Only a repeated top record (seen.h) counts. The service may put an earlier
 * record on every page, because it has no cursor value. */
static int
check_overlap(struct pages *p, struct err *e)
{
	if (p->page == 1 || p->previous_records < p->full ||
	    p->overlap.has_top)
		return 0;
	return err_set(e, ERR_PEER, true, "%s: the page has none of the last "
	    "records of the page before: they have changed meanwhile, or the "
	    "service does not return the records whose cursor value is equal "
	    "to the bound: run the command again, or use --paginate page",
	    buf_text(&p->shown));
}

/* Called after the last record of a page with --paginate since. Sets p->is_last
 * if the page has only records that the page before had too. But if the page is
 * full and none of its records raised the highest cursor value, this function
 * fails: the next request would return the same page again, although more
 * records may follow.
 *
 * A service may limit a page to fewer records than --size. So p->full, the size
 * of a full page, is learnt: if two pages in a row have the same number of
 * records, and the second page has a new record, this number becomes p->full. A
 * longer page sets p->full back to --size. */
static int
end_since_page(struct pages *p, struct err *e)
{
	struct cursor *c = p->x->cursor;
	const uint64_t n = p->records.given;

	if (check_overlap(p, e) == -1)
		return -1;
	if (n > p->full)
		p->full = p->size;
	if (p->page > 1 && n == p->previous_records && p->repeated < n &&
	    n < p->full)
		p->full = n;
	p->previous_records = n;
	if (!cursor_has_risen(c) && n >= p->full)
		return cursor_fail_stuck(c, buf_text(&p->shown),
		    n < p->size ? n : 0, e);
	p->is_last = p->is_last || p->repeated == n;
	return p->is_last ? 0 :
	    overlap_end_page(&p->overlap, cursor_risen_at(c), e);
}

/* Called after the last record of a page. Sets p->is_last if no page
 * follows. */
static int
end_page(struct pages *p, struct err *e)
{
	const struct page page = { .fetch = p->fetch, .answer = &p->answer,
	    .body = &p->records.body, .records = p->records.given,
	    .url = buf_text(&p->shown) };
	int more = p->paginator->has_more(p->paging, &page, e);
	struct err note = { 0 };

	p->is_open = false;
	p->is_last = more == 0 || p->answer.is_unchanged;
	if (more == -1)
		return -1;
	if (p->answer.is_unchanged) {
		(void)err_set(&note, ERR_NONE, false, "%s: nothing has changed "
		    "since the last run (status 304)", page.url);
		err_note("etl-extract", note.msg);
	}
	if (p->x->cursor != NULL && p->page == 1 && cursor_note_validators(
		p->x->cursor, &p->request, &p->answer, e) == -1)
		return -1;
	return p->paginator->overlaps ? end_since_page(p, e) : 0;
}

/* Adds the record to those of the page. Sets *skips if the page before had it,
 * or if it is held back (seen.h): it must not be returned now. */
static int
add_page_record(struct pages *p, bool *skips, struct err *e)
{
	if (!p->paginator->overlaps) {
		*skips = page_repeat_add(&p->repeat, &p->record,
		    p->records.hash);
		return 0;
	}
	if (overlap_add(&p->overlap, p->records.hash, skips, e) == -1)
		return -1;
	p->repeated += *skips;
	if (p->overlap.has_top)
		cursor_hold_marks(p->x->cursor, false);
	return 0;
}

/* Reads the page until a record must be returned. The record is in
 * p->record. */
static enum page_next
read_new_record(struct pages *p, struct err *e)
{
	enum page_next n;
	bool skips = true;

	while (skips) {
		n = page_records_next(&p->records, &p->record, e);
		if (n == PAGE_END && !p->paginator->overlaps &&
		    page_repeat_end(&p->repeat)) {
			(void)err_set(e, ERR_PEER, false, "%s: page %" PRIu64
			    " has the same records as page %" PRIu64 ": %s",
			    buf_text(&p->shown), p->page, p->page - 1,
			    p->page == 2 ?
			    p->paginator->if_second_page_repeats :
			    "if the service repeats its last page, give "
			    "--total");
			return PAGE_FAILED;
		}
		if (n != PAGE_RECORD)
			return n;
		if (add_page_record(p, &skips, e) == -1)
			return PAGE_FAILED;
	}
	p->has_record = true;
	return PAGE_RECORD;
}

/* Sets *it to the next held record (seen.h) or, after the last of them,
 * to the record that was read. Returns false if there is none. */
static bool
take_item(struct pages *p, struct item *it)
{
	struct line held;

	if (p->gives_held && page_repeat_take_held(&p->repeat, &held)) {
		fill_page_item(p, &held, it);
		return true;
	}
	p->gives_held = false;
	if (!p->has_record)
		return false;
	p->has_record = false;
	fill_page_item(p, &p->record, it);
	return true;
}

/* Gives the next record. Returns SOURCE_PAUSE once before each request, so that
 * the caller can flush the records. */
static enum source_next
pages_next(void *self, struct item *it, struct err *e)
{
	struct pages *p = self;

	for (;;) {
		if (take_item(p, it))
			return SOURCE_ITEM;
		if (!p->is_open && !p->has_paused && p->page > 0) {
			p->has_paused = !p->is_last;
			return p->is_last ? SOURCE_END : SOURCE_PAUSE;
		}
		p->has_paused = false;
		if (!p->is_open && request_next_page(p, e) == -1)
			return SOURCE_FAILED;
		switch (read_new_record(p, e)) {
		case PAGE_END:
			p->gives_held = true;
			if (end_page(p, e) == -1)
				return SOURCE_FAILED;
			break;
		case PAGE_RECORD:
			p->gives_held = true;
			break;
		case PAGE_PAUSE:
			return SOURCE_PAUSE;
		default:
			return SOURCE_FAILED;
		}
	}
}

static const char *const schemes[] = { "http", "https", NULL };

const struct source source_http = {
    .kind = KIND_HTTP,
    .schemes = schemes,
    .open = pages_open,
    .next = pages_next,
    .close = pages_close,
};
