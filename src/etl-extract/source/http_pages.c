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
	const struct paginator *kind;
	void *paging;
	struct request request;
	struct http_answer answer[2];   /* the page, and the one before */
	const char *before;             /* records of the page before */
	size_t before_len;
	struct body body;
	struct overlap overlap;         /* the page before */
	uint64_t records, again;        /* on this page; of them: as before */
	uint64_t size;                  /* --size */
	uint64_t full;                  /* no page has more: that, or less */
	uint64_t last;                  /* records on the page before */
	struct buf shown;               /* URL of the page, for origins */
	uint32_t next, end;             /* tokens: records still to come */
	uint64_t page, index;
	bool paused, over;
};

static void
pages_close(void *self)
{
	struct pages *p = self;

	if (p == NULL)
		return;
	if (p->kind != NULL && p->kind->close != NULL)
		p->kind->close(p->paging);
	request_release(&p->request);
	http_answer_release(&p->answer[0]);
	http_answer_release(&p->answer[1]);
	json_release(&p->body.j);
	overlap_release(&p->overlap);
	buf_release(&p->shown);
	free(p);
}

static void
pages_set(struct pages *p, const struct extract_opts *o, const char *uri)
{
	p->o = o;
	p->uri = uri;
	p->body.records = o->records;
	p->body.lenient = true;
	request_init(&p->request);
	http_answer_init(&p->answer[0], o->max_body);
	http_answer_init(&p->answer[1], o->max_body);
	buf_init(&p->shown, p->request.url.max);
}

static int
pages_options(struct pages *p, struct extract *x, struct err *e)
{
	const struct extract_opts *o = p->o;

	if (o->records != NULL && !pointer_valid(o->records))
		return err_set(e, ERR_USAGE, false, "--records %s: not a JSON "
		    "Pointer", o->records);
	if (o->total != NULL && *o->total == '/')
		p->body.levels = pointer_parts(o->total);
	if (request_check(o, p->uri, e) == -1 ||
	    paginator_find(&p->kind, o, e) == -1 ||
	    p->kind->open(&p->paging, o, e) == -1)
		return -1;
	if (fetch_shared(&p->fetch, x, e) == -1)
		return -1;
	p->body.fetch = p->fetch;
	if (p->kind->overlaps)
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
	pages_set(p, &x->opts, uri);
	if (pages_options(p, x, e) == -1) {
		pages_close(p);
		return -1;
	}
	*self = p;
	return 0;
}

static int
pages_look(void *self, const struct http_answer *a, struct err *e)
{
	return body_look(self, a, e) == -1 ? -1 : body_records(self, e);
}

/* A service that does not know the parameter, or has no page past its last,
 * gives the same records for ever. */
static int
page_repeats(struct pages *p, struct err *e)
{
	const struct json_tok *t = &p->body.j.tok[p->body.array];
	const char *text = p->body.j.text + t->at;
	bool same = p->before_len == t->len &&
	    memcmp(p->before, text, t->len) == 0;

	p->before = text;
	p->before_len = t->len;
	return !same ? 0 : err_set(e, ERR_PEER, false, "%s: page %" PRIu64
	    " repeats page %" PRIu64 ": %s", buf_text(&p->shown), p->page,
	    p->page - 1, p->page == 2 ?
	    "does the service know what --into names?" :
	    "if the last page comes again and again, give --total");
}

/* What the page that came means for the next. */
static int
page_take(struct pages *p, const struct http_answer *a, struct err *e)
{
	struct page page = { .answer = a, .body = &p->body,
	    .records = body_count(&p->body), .shown = buf_text(&p->shown) };
	int more;

	if (page.records > 0 && !p->kind->overlaps && page_repeats(p, e) == -1)
		return -1;
	if ((more = p->kind->more(p->paging, &page, e)) == -1)
		return -1;
	p->over = more == 0;
	p->next = p->end = 0;
	p->records = page.records;
	p->again = 0;
	if (page.records > 0) {
		p->next = p->body.array + 1;
		p->end = p->body.j.tok[p->body.array].next;
	}
	return 0;
}

static int
page_load(struct pages *p, struct err *e)
{
	const struct judge judge = { pages_look, &p->body };
	struct http_answer *a = &p->answer[p->page & 1];

	if (p->o->max_pages != 0 && p->page == p->o->max_pages)
		return err_set(e, ERR_LIMIT, false, "%s: stopped by "
		    "--max-pages %" PRIu64 ": more may follow",
		    buf_text(&p->shown), p->page);
	p->page++;
	p->index = 0;
	if (request_start(&p->request, p->o, p->uri, strlen(p->uri), e) == -1 ||
	    (p->kind->ask != NULL &&
	    p->kind->ask(p->paging, &p->request, e) == -1) ||
	    (p->x->cursor != NULL &&
	    cursor_ask(p->x->cursor, &p->request.url, e) == -1) ||
	    fetch_get(p->fetch, &p->request, &judge, a, e) == -1)
		return -1;
	buf_clear(&p->shown);
	buf_str(&p->shown, fetch_shown(p->fetch, &p->request));
	if (p->shown.len == 0)
		return err_nomem(e);
	return page_take(p, a, e);
}

static void
page_item(struct pages *p, struct item *it)
{
	const struct json_tok *t = &p->body.j.tok[p->next];

	p->next = t->next;
	memset(&it->line, 0, sizeof(it->line));
	it->line.data = p->body.j.text + t->at;
	it->line.len = it->line.bytes = t->len;
	if (t->len > p->o->max_record) {
		it->line.too_long = true;
		it->line.len = LINES_KEPT < t->len ? LINES_KEPT : t->len;
		hash_of(it->line.data, t->len, it->line.sha256);
	}
	it->kind = "http";
	it->uri = buf_text(&p->shown);
	it->page = p->page;
	it->index = ++p->index;
}

/* A record that the page before had too is none of this one. */
static bool
page_again(struct pages *p)
{
	const struct json_tok *t = &p->body.j.tok[p->next];

	if (!overlap_take(&p->overlap, p->body.j.text + t->at, t->len))
		return false;
	p->next = t->next;
	p->index++;
	p->again++;
	return true;
}

/* Looked for before anything of the page leaves: a service that leaves out
 * the bound has skipped what else has the last value of a full page, and no
 * mark may pass that.  What has no value may come on every page. */
static int
page_follows(struct pages *p, struct err *e)
{
	const struct json_tok *t = p->body.j.tok;

	if (p->page == 1 || p->last < p->full)
		return 0;
	for (uint32_t i = p->next; i < p->end; i = t[i].next)
		if (overlap_has(&p->overlap, p->body.j.text + t[i].at,
		    t[i].len))
			return 0;
	return err_set(e, ERR_PEER, true, "%s: does not have the last record "
	    "of the page before: it has changed meanwhile, or the service "
	    "leaves out the bound itself, which --paginate since needs (>=)",
	    buf_text(&p->shown));
}

/* Where pages overlap, a page with nothing new is the last, unless a full one
 * has left out others of the same value, which no bound can reach.  A service
 * may give less than it is asked for: two pages as long tell, until a longer
 * one comes. */
static int
page_ended(struct pages *p, struct err *e)
{
	struct cursor *c = p->x->cursor;

	if (p->records > p->full)
		p->full = p->size;
	if (p->page > 1 && p->records == p->last && p->again < p->records &&
	    p->records < p->full)
		p->full = p->records;
	p->last = p->records;
	if (!cursor_moved(c) && p->records >= p->full)
		return cursor_stuck(c, buf_text(&p->shown),
		    p->records < p->size ? p->records : 0, e);
	p->over = p->over || p->again == p->records;
	return p->over ? 0 : overlap_fill(&p->overlap, &p->body,
	    cursor_risen(c), e);
}

static enum source_next
pages_next(void *self, struct item *it, struct err *e)
{
	struct pages *p = self;

	for (;;) {
		while (p->next < p->end && page_again(p))
			continue;
		if (p->next < p->end)
			break;
		if (!p->paused && p->page > 0) {
			if (p->kind->overlaps && page_ended(p, e) == -1)
				return SOURCE_FAILED;
			p->paused = !p->over;
			return p->over ? SOURCE_END : SOURCE_PAUSE;
		}
		p->paused = false;
		if (page_load(p, e) == -1 ||
		    (p->kind->overlaps && page_follows(p, e) == -1))
			return SOURCE_FAILED;
	}
	page_item(p, it);
	return SOURCE_ITEM;
}

static const char *const schemes[] = { "http", "https", NULL };

const struct source source_http = {
	.schemes = schemes, .open = pages_open, .next = pages_next,
	.close = pages_close,
};
