#include "ahead.h"
#include "page/page_end.h"
#include "page/paginate.h"
#include "page/put_value.h"

#include <inttypes.h>
#include <stdlib.h>

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

static void
numbered_close(void *self)
{
	free(self);
}

static int
parse_options(
    struct numbered_pages *n, const struct extract_opts *o, struct err *e)
{
	uint64_t first = n->is_offset ? 0 : 1;

	if (o->into == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--paginate %s needs --into, for example --into query:%s",
		    o->paginate, o->paginate);
	n->number = o->first == FIRST_NOT_GIVEN ? first : o->first;
	n->end.starts_late = n->number > first;
	n->end.must_not_shrink = o->checkpoint != NULL;
	if (locator_parse_to(&n->into, "--into", o->into, LOCATORS_TO_VALUE,
	    e) == -1)
		return -1;
	return page_end_parse(&n->end, o, e);
}

static int
open_numbered(
    void **self, const struct extract_opts *o, bool is_offset, struct err *e)
{
	struct numbered_pages *n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return err_nomem(e);
	n->is_offset = is_offset;
	if (parse_options(n, o, e) == -1) {
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

/* Returns the number of records before the present page. */
static uint64_t
records_before_page(const struct numbered_pages *n)
{
	if (n->is_offset)
		return n->number;
	return n->end.starts_late ? (n->number - 1) * n->full : n->end.seen;
}

/* Sets the number or offset of the i-th page after the present one. Assumes
 * that each page before it is as long as the longest one so far. If this is
 * wrong, an early request is sent for nothing. */
static int
numbered_put_early(void *self, uint64_t i, struct request *r, struct err *e)
{
	struct numbered_pages *n = self;
	const uint64_t total = (uint64_t)n->end.last_total;
	const uint64_t at = records_before_page(n);

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

const struct paginator paginator_page = {
	.name = "page", .takes = TAKES,
	.if_second_page_repeats = check_into, .open = page_open,
	.prepare_request = numbered_put_next,
	.prepare_upcoming = numbered_put_early,
	.has_more = numbered_has_more,
	.close = numbered_close,
};

const struct paginator paginator_offset = {
	.name = "offset", .takes = TAKES,
	.if_second_page_repeats = check_into, .open = offset_open,
	.prepare_request = numbered_put_next,
	.prepare_upcoming = numbered_put_early,
	.has_more = numbered_has_more,
	.close = numbered_close,
};
