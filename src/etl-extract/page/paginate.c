#include "page/paginate.h"

#include "base/text.h"
#include "common/ahead.h"
#include "http/url.h"
#include "json/number.h"
#include "page/places.h"
#include "page/seen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
none_open(void **self, const struct extract_opts *o, struct err *e)
{
	*self = NULL;
	return 0;
}

static int
none_has_more(void *self, const struct page *p, struct err *e)
{
	return 0;
}

static const struct paginator paginator_none = {
	.name = "none", .open = none_open, .has_more = none_has_more,
};

/* Checks the options of --paginate since, which is for services that sort their
 * records by the cursor field (--cursor-field) and have no page numbers. Each
 * request asks for the records from the highest cursor value so far on (>=),
 * which cursor_put_bounds() puts into the URL. So each page repeats the last
 * records of the page before; overlap_add() finds these records. */
static int
since_open(void **self, const struct extract_opts *o, struct err *e)
{
	*self = NULL;
	if (o->checkpoint == NULL || o->size == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--paginate since needs --checkpoint and --size");
	return 0;
}

static int
since_has_more(void *self, const struct page *p, struct err *e)
{
	return p->records > 0;
}

static const struct paginator paginator_since = {
	.name = "since", .takes = TAKES_SIZE, .overlaps = true,
	.open = since_open,
	.has_more = since_has_more,
};

/* Decides from --total and --more whether a page is the last one.
 * Borrows: the options.
 * Gives: page_end_check(): PAGE_IS_LAST if as many records have come as the
 *        total says, or if the value of --more is false; PAGE_HAS_NEXT if the
 *        value of --more is true; else PAGE_SAYS_NOTHING.
 * Fails: ERR_PEER if the total is not a number. */

enum page_end_answer { PAGE_SAYS_NOTHING, PAGE_IS_LAST, PAGE_HAS_NEXT };

struct page_end {
	bool has_total, has_more;
	struct locator total, more;
	bool starts_late;       /* the first pages are not read */
	bool must_not_shrink;   /* fail if the total falls: records would move
				 * to pages that were read, and no later run
				 * would read them */
	uint64_t seen;          /* records so far */
	int64_t last_total;     /* the total that the page before stated */
};

enum { MESSAGE_MAX = 1024 };

static int
page_end_parse(struct page_end *n, const struct extract_opts *o, struct err *e)
{
	n->has_total = o->total != NULL;
	n->has_more = o->more != NULL;
	if (n->has_total && locator_parse_from(&n->total, "--total", o->total,
	    LOCATORS_FROM_TOTAL, e) == -1)
		return -1;
	return !n->has_more ? 0 : locator_parse_from(&n->more,
	    "--more", o->more, LOCATORS_FROM_ANY, e);
}

static bool
is_all_digits(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] < '0' || b->data[i] > '9')
			return false;
	return b->len > 0;
}

/* Reads the number of all records, which the service states in each answer at
 * the place of --total. Returns 1 and sets *total, or 0 if this answer does not
 * contain the number. */
static int
read_total(const struct page_end *n, const struct page *p,
    struct page_value *v, int64_t *total, struct err *e)
{
	int rc = page_value_read(v, p, &n->total, e);
	struct buf shown;
	bool number;

	if (rc != 1)
		return rc;
	number = n->total.kind == LOCATOR_HEADER ? is_all_digits(&v->text) :
	    v->type == JSON_NUMBER;
	if (number && number_to_int64(v->text.data, v->text.len, total) &&
	    *total >= 0)
		return 1;
	buf_init(&shown, MESSAGE_MAX);
	page_value_show(&shown, v, p);
	(void)err_set(e, ERR_PEER, false, "--total %s: the page has \"%s\" "
	    "there, which is not a number of records: check the place that "
	    "--total names", n->total.name, buf_text(&shown));
	buf_release(&shown);
	return -1;
}

/* Sets *answer to PAGE_IS_LAST if as many records have come as the total says.
 * Warns if the page is empty before that.
 *
 * If the total falls between two pages, the service has removed records. If the
 * removed records were on a page that has been read, all records after them
 * move up, some of them to a page that is not read again. An incremental run
 * must then fail, because no later run would read these records: so this
 * function fails if the total fell and n->must_not_shrink is set. */
static int
judge_total(struct page_end *n, const struct page *p, struct page_value *v,
    enum page_end_answer *answer, struct err *e)
{
	const int64_t before = n->last_total;
	int64_t total = 0;
	int known = read_total(n, p, v, &total, e);

	if (known != 1)
		return known;
	n->last_total = total;
	if (n->must_not_shrink && total < before)
		return err_set(e, ERR_PEER, true, "the total fell from %" PRId64
		    " to %" PRId64 " records between two pages: some records "
		    "may have moved to a page that was read before: run the "
		    "command again", before, total);
	if (p->records == 0 && !n->starts_late && n->seen < (uint64_t)total)
		err_warnf("etl-extract", "%s: this page is empty, but only %"
		    PRIu64 " of %" PRId64 " records have come", p->url,
		    n->seen, total);
	if (n->seen >= (uint64_t)total)
		*answer = PAGE_IS_LAST;
	return 0;
}

/* True if the value means "no": services write false, 0, "", "false" or
 * "no". */
static bool
means_no(const struct page_value *v)
{
	static const char *const no[] = { "", "0", "false", "no" };

	if (v->type == JSON_FALSE)
		return true;
	if (v->type != JSON_STRING && v->type != JSON_NUMBER)
		return false;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (v->text.len == strlen(no[i]) && (v->text.len == 0 ||
		    strncasecmp(v->text.data, no[i], v->text.len) == 0))
			return true;
	return false;
}

static int
page_end_check(struct page_end *n, const struct page *p,
    enum page_end_answer *answer, struct err *e)
{
	struct page_value v;
	int rc = 0, found;

	page_value_init(&v);
	*answer = PAGE_SAYS_NOTHING;
	n->seen += p->records;
	if (n->has_total)
		rc = judge_total(n, p, &v, answer, e);
	if (rc == 0 && n->has_more && *answer == PAGE_SAYS_NOTHING) {
		found = page_value_read(&v, p, &n->more, e);
		rc = found == -1 ? -1 : 0;
		if (found == 1)
			*answer = means_no(&v) ? PAGE_IS_LAST : PAGE_HAS_NEXT;
		else if (found == 0 && n->more.kind == LOCATOR_LINK)
			*answer = PAGE_IS_LAST; /* no Link header to a next
						 * page */
	}
	page_value_release(&v);
	if (rc == -1)
		err_prefix(e, "%s", p->url);
	return rc;
}

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

static const struct paginator paginator_cursor = {
	.name = "cursor",
	.takes = TAKES_INTO | TAKES_SIZE | TAKES_TOTAL | TAKES_NEXT |
	    TAKES_MORE,
	.if_second_page_repeats =
	    "check that the service knows the parameter of --into",
	.open = cursor_open_pages,
	.prepare_request = cursor_put_next,
	.has_more = cursor_has_more, .close = cursor_close,
};

static const struct paginator paginator_link = {
	.name = "link", .takes = TAKES_SIZE | TAKES_TOTAL | TAKES_MORE,
	.if_second_page_repeats = "its Link header may be wrong",
	.open = link_open_pages,
	.prepare_request = cursor_put_next,
	.has_more = cursor_has_more, .close = cursor_close,
};

/* Requests pages by number (1, 2, 3 and so on) or by offset (the number of
 * records before the page). The last page is an empty one, or that for which
 * page_end_check() says so. A page with fewer records than requested is not the
 * end: many services limit the size of a page, or first cut a page and then
 * leave out some of its records. For the same reason the next offset is the sum
 * of the records that came, not of those that were requested. So no record is
 * skipped. */
struct numbered_pages {
	struct locator into;
	struct page_end end;
	bool is_offset;
	uint64_t number;        /* number or offset of the next page */
	uint64_t full;          /* records of the longest page so far */
	uint64_t count;         /* pages that were prepared, with this one */
	int64_t total_before[AHEAD_JOBS_MAX];   /* at n % AHEAD_JOBS_MAX: the
				 * total that was known when page n was
				 * prepared */
};

static int
open_numbered(
    void **self, const struct extract_opts *o, bool is_offset, struct err *e)
{
	const uint64_t first = is_offset ? 0 : 1;
	struct numbered_pages *n;

	if (o->into == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--paginate %s needs --into, for example --into query:%s",
		    o->paginate, o->paginate);
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return err_nomem(e);
	n->is_offset = is_offset;
	n->number = o->first == FIRST_NOT_GIVEN ? first : o->first;
	n->end.starts_late = n->number > first;
	n->end.must_not_shrink = o->checkpoint != NULL;
	if (locator_parse_to(&n->into, "--into", o->into, LOCATORS_TO_VALUE,
	    e) == -1 || page_end_parse(&n->end, o, e) == -1) {
		free(n);
		return -1;
	}
	*self = n;
	return 0;
}

static int
page_open(void **self, const struct extract_opts *o, struct err *e)
{
	return open_numbered(self, o, false, e);
}

static int
offset_open(void **self, const struct extract_opts *o, struct err *e)
{
	return open_numbered(self, o, true, e);
}

static int
numbered_put_next(void *self, struct request *r, struct err *e)
{
	struct numbered_pages *n = self;

	n->count++;
	return request_put_number(r, &n->into, n->number, e);
}

/* Sets the number or offset of the i-th page after the present one. Assumes
 * that each page before it is as long as the longest one so far. If this is
 * wrong, an early request is sent for nothing. */
static int
numbered_put_early(void *self, uint64_t i, struct request *r, struct err *e)
{
	struct numbered_pages *n = self;
	const uint64_t total = (uint64_t)n->end.last_total;
	/* The number of records before the present page. */
	const uint64_t at = n->is_offset ? n->number : n->end.starts_late ?
	    (n->number - 1) * n->full : n->end.seen;

	if (n->full == 0 || at >= total || i > (total - at - 1) / n->full)
		return 0;
	n->total_before[(n->count + i) % AHEAD_JOBS_MAX] = n->end.last_total;
	return request_put_number(r, &n->into, n->number +
	    i * (n->is_offset ? n->full : 1), e) == -1 ? -1 : 1;
}

/* Counts the page. Returns true if another one follows. */
static int
numbered_has_more(void *self, const struct page *p, struct err *e)
{
	struct numbered_pages *n = self;
	enum page_end_answer answer;

	/* An early page may have been answered before the page before it, so
	 * its total may be older. Compare it with the total that was known when
	 * the page was requested. */
	if (p->answer->was_early)
		n->end.last_total = n->total_before[n->count % AHEAD_JOBS_MAX];
	if (p->records > n->full)
		n->full = p->records;
	if (page_end_check(&n->end, p, &answer, e) == -1)
		return -1;
	n->number += n->is_offset ? p->records : 1;
	return p->records > 0 && answer != PAGE_IS_LAST;
}

static const char check_into[] =
    "check that the service knows the parameter of --into";

enum {
	TAKES = TAKES_INTO | TAKES_FIRST | TAKES_SIZE | TAKES_TOTAL | TAKES_MORE
};

static const struct paginator paginator_page = {
	.name = "page", .takes = TAKES,
	.if_second_page_repeats = check_into, .open = page_open,
	.prepare_request = numbered_put_next,
	.prepare_upcoming = numbered_put_early,
	.has_more = numbered_has_more,
	.close = free,
};

static const struct paginator paginator_offset = {
	.name = "offset", .takes = TAKES,
	.if_second_page_repeats = check_into, .open = offset_open,
	.prepare_request = numbered_put_next,
	.prepare_upcoming = numbered_put_early,
	.has_more = numbered_has_more,
	.close = free,
};

enum { KINDS = 6, NAMES_MAX = 128 };

static const struct paginator *const paginators[KINDS] = {
	&paginator_none, &paginator_page, &paginator_offset,
	&paginator_cursor, &paginator_link, &paginator_since,
};

/* Sets the error for an option that this paginator does not accept. */
static int
refuse_paging_option(const struct paginator *p, const char *option,
    unsigned bit, struct err *e)
{
	size_t left = 0;
	struct buf b;

	for (size_t i = 0; i < KINDS; i++)
		left += (paginators[i]->takes & bit) != 0;
	buf_init(&b, NAMES_MAX);
	for (size_t i = 0; i < KINDS; i++) {
		if ((paginators[i]->takes & bit) == 0)
			continue;
		buf_str(&b, paginators[i]->name);
		left--;
		buf_str(&b, left > 1 ? ", " : left == 1 ? " or " : "");
	}
	(void)err_set(e, ERR_USAGE, false, "%s needs --paginate %s; it has no "
	    "use with --paginate %s", option, buf_text(&b), p->name);
	buf_release(&b);
	return -1;
}

static int
check_paging_options(const struct paginator *p, const struct extract_opts *o,
    struct err *e)
{
	const struct {
		const char *option;
		unsigned bit;
		bool given;
	} some[] = {
		{ "--into", TAKES_INTO, o->into != NULL },
		{ "--first", TAKES_FIRST, o->first != FIRST_NOT_GIVEN },
		{ "--size", TAKES_SIZE, o->size != NULL },
		{ "--total", TAKES_TOTAL, o->total != NULL },
		{ "--next", TAKES_NEXT, o->next != NULL },
		{ "--more", TAKES_MORE, o->more != NULL },
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (some[i].given && (p->takes & some[i].bit) == 0)
			return refuse_paging_option(p, some[i].option,
			    some[i].bit, e);
	return 0;
}

int
paginator_choose(const struct paginator **p, const struct extract_opts *o,
    struct err *e)
{
	const char *names[KINDS + 1] = { 0 };
	int found;

	for (size_t i = 0; i < KINDS; i++)
		names[i] = paginators[i]->name;
	found = suggest_choice("--paginate", o->paginate == NULL ?
	    "none" : o->paginate, names, e);
	if (found == -1)
		return -1;
	*p = paginators[found];
	return check_paging_options(*p, o, e);
}

int
paginator_check_jobs(const struct paginator *p, const struct extract_opts *o,
    struct err *e)
{
	if (o->jobs <= 1)
		return 0;
	if (p->prepare_upcoming == NULL)
		return err_set(e, ERR_USAGE, false, "--jobs needs --paginate "
		    "page or offset for a URL: with --paginate %s, the URL of "
		    "a page is only known when the page before it has come",
		    p->name);
	return o->total != NULL ? 0 : err_set(e, ERR_USAGE, false,
	    "--jobs needs --total for a URL: without it the number of pages "
	    "is not known");
}
