#include "page/page_end.h"
#include "page/paginate.h"
#include "page/put_value.h"
#include "page/seen.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 1024 };

/* Requests each page with a value from the page before: a cursor at the place
 * of --next, or a URL. With --paginate link the URL is in the Link header. */
struct cursor_pages {
	struct locator next, into;
	struct page_end end;
	struct page_value value;        /* of --next, for the next page; a URL
				 * is absolute */
	bool has_value;
	struct seen seen;
	uint64_t size;                  /* of --size, else 0 */
	bool has_been_next;             /* a page has named the next one */
	struct err why;                 /* the next page cannot be requested;
				 * ERR_NONE if it can */
};

static void
cursor_close(void *self)
{
	struct cursor_pages *n = self;

	if (n == NULL)
		return;
	page_value_release(&n->value);
	seen_release(&n->seen);
	free(n);
}

static int
open_pages(void **self, const struct extract_opts *o,
    const char *next, const char *into, struct err *e)
{
	struct cursor_pages *n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return err_nomem(e);
	page_value_init(&n->value);
	n->size = o->size == NULL ? 0 :
	    strtoull(strchr(o->size, '=') + 1, NULL, 10);
	if (locator_parse_from(&n->next, "--next", next, LOCATORS_FROM_ANY,
	    e) == -1 ||
	    locator_parse_to(&n->into, "--into", into, LOCATORS_TO_ANY,
	    e) == -1 ||
	    page_end_parse(&n->end, o, e) == -1) {
		cursor_close(n);
		return -1;
	}
	*self = n;
	return 0;
}

static int
cursor_open_pages(void **self, const struct extract_opts *o, struct err *e)
{
	if (o->next == NULL || o->into == NULL)
		return err_set(e, ERR_USAGE, false, "--paginate cursor needs "
		    "--next and --into, for example --next /next --into "
		    "query:cursor");
	return open_pages(self, o, o->next, o->into, e);
}

static int
link_open_pages(void **self, const struct extract_opts *o, struct err *e)
{
	return open_pages(self, o, "link", "url", e);
}

/* Adds the URL of the first page to n->seen, so that a later page that names it
 * as the next one is detected as a loop. */
static int
note_first_url(struct cursor_pages *n, const struct request *r, struct err *e)
{
	struct http_url u;
	struct buf url;
	int rc = -1;

	buf_init(&url, r->url.max);
	buf_add(&url, r->url.data, r->url.len);
	(void)buf_text(&url);
	if (buf_check(&url, e) == 0 &&
	    http_url_parse(&u, NULL, url.data, e) == 0) {
		rc = seen_add(&n->seen, u.text, strlen(u.text), e);
		http_url_release(&u);
	}
	buf_release(&url);
	return rc == -1 ? -1 : 0;
}

/* Puts the next value or the URL of the next page into the request. Fails with
 * n->why if the next page cannot be requested. */
static int
cursor_put_next(void *self, struct request *r, struct err *e)
{
	struct cursor_pages *n = self;

	if (n->why.code != ERR_NONE) {
		*e = n->why;
		return -1;
	}
	if (!n->has_value)
		return n->into.kind != LOCATOR_URL ? 0 :
		    note_first_url(n, r, e);
	if (n->into.kind != LOCATOR_URL)
		return request_put_value(r, &n->into, &n->value, e);
	buf_clear(&r->url);
	buf_add(&r->url, n->value.text.data, n->value.text.len);
	r->comes_from_page = true;
	return buf_check(&r->url, e);
}

/* Sets *e for a value that cannot be a cursor. The message is the text and the
 * value. */
static int
fail_with_value(const struct cursor_pages *n, const struct page *p,
    const char *text, struct err *e)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	page_value_show(&b, &n->value, p);
	(void)err_set(e, ERR_PEER, false, "%s '%s'", text, buf_text(&b));
	buf_release(&b);
	return -1;
}

/* Turns the value into an absolute URL. */
static int
resolve_url(struct cursor_pages *n, const struct page *p, struct err *e)
{
	struct buf url;
	int rc;

	buf_init(&url, n->value.text.max);
	rc = fetch_resolve_url(p->fetch, n->value.text.data,
	    n->value.text.len, &url, e);
	if (rc == -1) {
		if (e->code == ERR_PEER)
			(void)fail_with_value(n, p,
			    "the URL of the next page is not valid:", e);
		buf_release(&url);
		return -1;
	}
	page_value_release(&n->value);
	n->value.text = url;
	return 0;
}

/* Reads the value of --next. Returns 1, or 0 if the page has none. */
static int
read_next_value(struct cursor_pages *n, const struct page *p, struct err *e)
{
	int rc = page_value_read(&n->value, p, &n->next, e);

	if (rc != 1)
		return rc;
	if (n->value.type == JSON_FALSE ||
	    (n->value.type == JSON_STRING && n->value.text.len == 0))
		return 0;
	if (n->value.type != JSON_STRING && n->value.type != JSON_NUMBER)
		return err_set(e, ERR_PEER, false, "--next %s: the page has %s "
		    "there, but a cursor must be a string or a number",
		    n->next.name,
		    n->value.type == JSON_TRUE ? "true" :
		    json_type_name(n->value.type));
	return n->into.kind == LOCATOR_URL && resolve_url(n, p, e) == -1 ?
	    -1 : 1;
}

/* Called if the page has no value for --next, so it should be the last one.
 * Fails if more pages must follow: --more says so, or --next last: names a
 * member that the last record does not have. */
static int
check_last_page(const struct cursor_pages *n, const struct page *p,
    enum page_end_answer more, struct err *e)
{
	if (more == PAGE_HAS_NEXT)
		return err_set(e, ERR_PEER, false, "the value of --more says "
		    "that more pages follow, but the page has no value for "
		    "--next");
	if (n->next.kind == LOCATOR_LAST && p->records > 0)
		return err_set(e, ERR_PEER, false, "--next last:%s: the last "
		    "record of the page has no such value, so the next page "
		    "cannot be requested: check the pointer", n->next.name);
	if (!n->has_been_next && n->size > 0 && p->records >= n->size)
		err_warnf("etl-extract", "%s: the first page is full, but it "
		    "names no next page: check the place of --next", p->url);
	return 0;
}

/* True if the page is empty: it is then the last one, even if it names a next
 * page, because many services name a next page on every page. But returns false
 * if --more says that more pages follow. */
static bool
ends_at_empty(const struct page *p, enum page_end_answer more, bool seen)
{
	if (p->records > 0 || more == PAGE_HAS_NEXT)
		return false;
	if (!seen)
		err_warnf("etl-extract", "%s: the page is empty, so no further "
		    "page is requested, although it names a next one: if "
		    "pages with records may follow, give --more", p->url);
	return true;
}

static int
find_next_page(struct cursor_pages *n, const struct page *p,
    enum page_end_answer more, struct err *e)
{
	int found = read_next_value(n, p, e), seen;

	if (found == 0)
		return check_last_page(n, p, more, e);
	if (found == -1 || (seen = seen_add(&n->seen, n->value.text.data,
	    n->value.text.len, e)) == -1)
		return -1;
	if (ends_at_empty(p, more, seen == 1))
		return 0;
	n->has_been_next = true;
	return seen == 0 ? 1 : fail_with_value(n, p,
	    "the pages lead in a loop: an earlier page had the same next page,",
	    e);
}

/* If the next page cannot be requested, stores the reason in n->why and returns
 * 1. cursor_put_next() then fails with it before the next request, after the
 * records of this page have been written. */
static int
cursor_has_more(void *self, const struct page *p, struct err *e)
{
	struct cursor_pages *n = self;
	enum page_end_answer more;
	int rc;

	if (page_end_check(&n->end, p, &more, e) == -1)
		return -1;
	if (more == PAGE_IS_LAST)
		return 0;
	rc = find_next_page(n, p, more, e);
	n->has_value = rc == 1;
	if (rc != -1)
		return rc;
	err_prefix(e, "%s", p->url);
	n->why = *e;
	return 1;
}

const struct paginator paginator_cursor = {
	.name = "cursor",
	.takes = TAKES_INTO | TAKES_SIZE | TAKES_TOTAL | TAKES_NEXT |
	    TAKES_MORE,
	.if_second_page_repeats =
	    "check that the service knows the parameter of --into",
	.open = cursor_open_pages,
	.prepare_request = cursor_put_next,
	.has_more = cursor_has_more, .close = cursor_close,
};

const struct paginator paginator_link = {
	.name = "link", .takes = TAKES_SIZE | TAKES_TOTAL | TAKES_MORE,
	.if_second_page_repeats = "its Link header may be wrong",
	.open = link_open_pages,
	.prepare_request = cursor_put_next,
	.has_more = cursor_has_more, .close = cursor_close,
};
