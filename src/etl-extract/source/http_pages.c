#include "cursor/cursor.h"
#include "http/fetch.h"
#include "http/request.h"
#include "json/pointer.h"
#include "page/body.h"
#include "page/overlap.h"
#include "page/paginate.h"
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
	struct http_answer answer[2];   /* answers of this page and of the page
					 * before */
	const char *previous;           /* JSON array of the records of the
					 * page before, inside its answer */
	size_t previous_len;
	struct body body;               /* this page */
	struct overlap overlap;         /* the records of the page before */
	uint64_t records;               /* number of records on this page */
	uint64_t repeated;              /* records of this page that the page
					 * before had too */
	uint64_t size;                  /* --size, if pages overlap */
	uint64_t full;                  /* length of a full page: --size, or
					 * less if the service returns less */
	uint64_t previous_records;      /* number of records on the page
					 * before */
	struct buf shown;               /* URL of the page, without secrets */
	uint32_t next, end;             /* tokens of the records of this page
					 * that next() has not returned */
	uint64_t page, index;           /* of the last item, both from 1 */
	bool has_paused;                /* SOURCE_PAUSE came after this page */
	bool is_last;                   /* no page follows this page */
};

static void
pages_close(void *self)
{
	struct pages *p = self;

	if (p == NULL)
		return;
	if (p->paginator != NULL && p->paginator->close != NULL)
		p->paginator->close(p->paging);
	request_release(&p->request);
	http_answer_release(&p->answer[0]);
	http_answer_release(&p->answer[1]);
	json_release(&p->body.j);
	overlap_release(&p->overlap);
	buf_release(&p->shown);
	free(p);
}

static void
pages_init(struct pages *p, const struct extract_opts *o, const char *uri)
{
	p->o = o;
	p->uri = uri;
	p->body.records = o->records;
	p->body.accepts_bad_records = true;
	request_init(&p->request);
	http_answer_init(&p->answer[0], o->max_body);
	http_answer_init(&p->answer[1], o->max_body);
	buf_init(&p->shown, p->request.url.max);
}

/* Checks the options, prepares the paging that --paginate selects, and opens
 * the HTTP client. */
static int
pages_prepare(struct pages *p, struct extract *x, struct err *e)
{
	const struct extract_opts *o = p->o;

	if (o->records != NULL && !pointer_is_valid(o->records))
		return err_set(e, ERR_USAGE, false, "--records %s: not a JSON "
		    "Pointer, such as /data/items", o->records);
	if (o->total != NULL && *o->total == '/')
		p->body.min_levels = pointer_count_parts(o->total);
	if (request_check_options(o, p->uri, e) == -1 ||
	    paginator_find(&p->paginator, o, e) == -1 ||
	    p->paginator->open(&p->paging, o, e) == -1)
		return -1;
	if (fetch_open_once(&p->fetch, x, e) == -1)
		return -1;
	p->body.fetch = p->fetch;
	if (p->paginator->overlaps)
		p->full = p->size =
		    strtoull(strchr(o->size, '=') + 1, NULL, 10);
	p->x = x;
	return 0;
}

static int
pages_open(void **self, struct extract *x, const char *uri, struct err *e)
{
	struct pages *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return err_nomem(e);
	pages_init(p, &x->opts, uri);
	if (pages_prepare(p, x, e) == -1) {
		pages_close(p);
		return -1;
	}
	*self = p;
	return 0;
}

static int
parse_body(void *self, const struct http_answer *a, struct err *e)
{
	return body_parse(self, a, e) == -1 ? -1 : body_find_records(self, e);
}

/* Fails if the page has exactly the records of the page before. A service that
 * ignores the page number, or repeats its last page, would answer with the same
 * records without end. */
static int
check_page_differs_and_remember_it(struct pages *p, struct err *e)
{
	const struct json_tok *t = &p->body.j.tok[p->body.array];
	const char *text = p->body.j.text + t->at;
	bool same = p->previous_len == t->len &&
	    memcmp(p->previous, text, t->len) == 0;

	p->previous = text;
	p->previous_len = t->len;
	return !same ? 0 : err_set(e, ERR_PEER, false, "%s: page %" PRIu64
	    " has the same records as page %" PRIu64 ": %s",
	    buf_text(&p->shown), p->page, p->page - 1, p->page == 2 ?
	    "check that the service knows the parameter of --into" :
	    "if the service repeats its last page, give --total");
}

/* After a page has come: sets which of its records
 * pages_next_or_pause_before_request() returns first, and sets p->is_last if
 * no other page follows. Fails if the page has the same records as the page
 * before. */
static int
set_page_records_and_is_last(
    struct pages *p, const struct http_answer *a, struct err *e)
{
	struct page page = { .answer = a, .body = &p->body,
	    .records = body_count_records(&p->body),
	    .url = buf_text(&p->shown) };
	int more;

	if (page.records > 0 && !p->paginator->overlaps &&
	    check_page_differs_and_remember_it(p, e) == -1)
		return -1;
	if ((more = p->paginator->has_more(p->paging, &page, e)) == -1)
		return -1;
	p->is_last = more == 0;
	p->next = p->end = 0;
	p->records = page.records;
	p->repeated = 0;
	if (page.records > 0) {
		p->next = p->body.array + 1;
		p->end = p->body.j.tok[p->body.array].next;
	}
	return 0;
}

static int
get_next_page(struct pages *p, struct err *e)
{
	const struct answer_check answer_check = { parse_body, &p->body };
	struct http_answer *a = &p->answer[p->page & 1];

	if (p->o->max_pages != 0 && p->page == p->o->max_pages)
		return err_set(e, ERR_LIMIT, false, "%s: stopped by "
		    "--max-pages %" PRIu64 ": more pages may follow: raise "
		    "--max-pages to read them",
		    buf_text(&p->shown), p->page);
	p->page++;
	p->index = 0;
	if (request_set_url_and_params(
		&p->request, p->o, p->uri, strlen(p->uri), e) == -1 ||
	    (p->paginator->prepare_request != NULL &&
		p->paginator->prepare_request(p->paging, &p->request, e) ==
		    -1) ||
	    (p->x->cursor != NULL && cursor_put_bounds_into_url(p->x->cursor,
					 &p->request.url, e) == -1) ||
	    fetch_get_retry_and_renew_secret(
		p->fetch, &p->request, &answer_check, a, e) == -1)
		return -1;
	buf_clear(&p->shown);
	buf_str(&p->shown, fetch_masked_url(p->fetch, &p->request));
	if (p->shown.len == 0)
		return err_nomem(e);
	return set_page_records_and_is_last(p, a, e);
}

/* Makes *it the next record of this page. */
static void
fill_next_item(struct pages *p, struct item *it)
{
	const struct json_tok *t = &p->body.j.tok[p->next];

	p->next = t->next;
	memset(&it->line, 0, sizeof(it->line));
	it->line.data = p->body.j.text + t->at;
	it->line.len = it->line.bytes = t->len;
	if (t->len > p->o->max_record) {
		it->line.too_long = true;
		it->line.len = LINES_KEPT < t->len ? LINES_KEPT : t->len;
		hash_bytes_to_hex(it->line.data, t->len, it->line.sha256);
	}
	it->kind = "http";
	it->uri = buf_text(&p->shown);
	it->page = p->page;
	it->index = ++p->index;
}

/* Skips the next record of the page and returns true if the page before had the
 * same record. */
static bool
skip_next_if_repeated(struct pages *p)
{
	const struct json_tok *t = &p->body.j.tok[p->next];

	if (!overlap_take_if_found(&p->overlap, p->body.j.text + t->at, t->len))
		return false;
	p->next = t->next;
	p->index++;
	p->repeated++;
	return true;
}

/* With --paginate since, each request asks for cursor values >= the highest
 * value so far. So after a full page, the next page must repeat at least one of
 * the records with the highest value. If it does not, this function fails: the
 * service probably returns only values > the highest one, and has skipped the
 * other records with this value. The check comes before any record of the page
 * is written, because no checkpoint may be stored past the skipped records.
 *
 * overlap_has_record_of_highest_value() searches the page before only from
 * the record on that last raised the highest value. An earlier record does
 * not prove anything: if it has no cursor value, the service may put it on
 * every page. */
static int
check_page_overlaps(struct pages *p, struct err *e)
{
	const struct json_tok *t = p->body.j.tok;

	if (p->page == 1 || p->previous_records < p->full)
		return 0;
	for (uint32_t i = p->next; i < p->end; i = t[i].next)
		if (overlap_has_record_of_highest_value(&p->overlap,
		    p->body.j.text + t[i].at, t[i].len))
			return 0;
	return err_set(e, ERR_PEER, true, "%s: the page has none of the last "
	    "records of the page before: either they have changed meanwhile, "
	    "or the service leaves out the lower bound: --paginate since needs "
	    "a service that also returns the records whose cursor value is "
	    "equal to the bound", buf_text(&p->shown));
}

/* Called after the last record of a page with --paginate since, where a page
 * begins with the last records of the page before. Sets p->is_last if the page
 * has only such repeated records. But if the page is full and none of its
 * records raised the highest cursor value, the next request would return the
 * same page again, although more records may follow: then this function fails.
 *
 * A service may limit a page to fewer records than --size, so the size of a
 * full page is learnt: if two pages in a row have the same number of records,
 * and the second page has at least one new record, a page with this number of
 * records counts as full. A longer page raises this number. */
static int
fail_if_stuck_or_store_page(struct pages *p, struct err *e)
{
	struct cursor *c = p->x->cursor;

	if (p->records > p->full)
		p->full = p->size;
	if (p->page > 1 && p->records == p->previous_records &&
	    p->repeated < p->records && p->records < p->full)
		p->full = p->records;
	p->previous_records = p->records;
	if (!cursor_has_risen(c) && p->records >= p->full)
		return cursor_set_stuck_error(c, buf_text(&p->shown),
		    p->records < p->size ? p->records : 0, e);
	p->is_last = p->is_last || p->repeated == p->records;
	return p->is_last ? 0 : overlap_store_page(&p->overlap, &p->body,
	    cursor_place_of_rise(c), e);
}

static enum source_next
pages_next_or_pause_before_request(void *self, struct item *it, struct err *e)
{
	struct pages *p = self;

	for (;;) {
		while (p->next < p->end && skip_next_if_repeated(p))
			continue;
		if (p->next < p->end)
			break;
		if (!p->has_paused && p->page > 0) {
			if (p->paginator->overlaps &&
			    fail_if_stuck_or_store_page(p, e) == -1)
				return SOURCE_FAILED;
			p->has_paused = !p->is_last;
			return p->is_last ? SOURCE_END : SOURCE_PAUSE;
		}
		p->has_paused = false;
		if (get_next_page(p, e) == -1 || (p->paginator->overlaps &&
		    check_page_overlaps(p, e) == -1))
			return SOURCE_FAILED;
	}
	fill_next_item(p, it);
	return SOURCE_ITEM;
}

static const char *const schemes[] = { "http", "https", NULL };

const struct source source_http = {
    .schemes = schemes,
    .open = pages_open,
    .next = pages_next_or_pause_before_request,
    .close = pages_close,
};
