#include "base/text.h"
#include "http/url.h"
#include "json/number.h"
#include "json/pointer.h"
#include "page/locator.h"
#include "page/paginate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pages 1, 2, 3, ... until an empty one, or until as many records have come
 * as the service says there are.  A short page is no end: services cap the
 * size that was asked for, and filter after they have cut the page. */
struct numbered {
	struct locator into, total;
	bool has_total;
	bool middle;            /* begins there: seen is not all */
	bool increments;        /* what is skipped is never read again */
	uint64_t next, seen;
	int64_t before;         /* the total that the page before said */
};

static void
page_close(void *self)
{
	free(self);
}

static int
page_options(struct numbered *n, const struct extract_opts *o, struct err *e)
{
	if (o->into == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--paginate page needs --into, such as query:page");
	if (locator_to(&n->into, "--into", o->into, e) == -1)
		return -1;
	if (n->into.kind != LOCATOR_QUERY && n->into.kind != LOCATOR_HEADER)
		return err_set(e, ERR_USAGE, false, "--into %s: a page number "
		    "goes into query:NAME or header:NAME", o->into);
	n->has_total = o->total != NULL;
	if (!n->has_total)
		return 0;
	if (locator_from(&n->total, "--total", o->total, e) == -1)
		return -1;
	if (n->total.kind != LOCATOR_BODY && n->total.kind != LOCATOR_HEADER)
		return err_set(e, ERR_USAGE, false, "--total %s: a total comes "
		    "from /POINTER or header:NAME", o->total);
	return 0;
}

static int
page_open(void **self, const struct extract_opts *o, struct err *e)
{
	struct numbered *n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return err_nomem(e);
	n->next = o->first;
	n->middle = o->first > 1;
	n->increments = o->checkpoint != NULL;
	if (page_options(n, o, e) == -1) {
		page_close(n);
		return -1;
	}
	*self = n;
	return 0;
}

static int
page_ask(void *self, struct request *r, struct err *e)
{
	struct numbered *n = self;
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRIu64, n->next++);
	if (n->into.kind == LOCATOR_QUERY) {
		query_set(&r->url, n->into.name, strlen(n->into.name),
		    number);
		return buf_check(&r->url, e);
	}
	buf_clear(&r->header);
	buf_printf(&r->header, "%s: %s", n->into.name, number);
	return buf_check(&r->header, e);
}

static int
no_number(const char *where, const char *p, size_t n, struct err *e)
{
	struct buf b;

	buf_init(&b, 1024);
	text_show(&b, p, n > 80 ? 80 : n);
	(void)err_set(e, ERR_PEER, false, "--total %s: not a number of "
	    "records: %s", where, buf_text(&b));
	buf_release(&b);
	return -1;
}

static bool
digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return n > 0;
}

/* 1: *total is set; 0: this page does not say. */
static int
page_total(const struct numbered *n, const struct page *p, int64_t *total,
    struct err *e)
{
	const struct json *j = &p->body->j;
	const char *text = NULL;
	size_t len = 0;
	uint32_t i;
	bool number;

	if (n->total.kind == LOCATOR_HEADER) {
		if (!http_header(p->answer, n->total.name, &text, &len))
			return 0;
		number = digits(text, len);
	} else {
		if (p->answer->status == 204 ||
		    !pointer_find(j, n->total.name, &i) ||
		    j->tok[i].type == JSON_NULL)
			return 0;
		text = j->text + j->tok[i].at;
		len = j->tok[i].len;
		number = j->tok[i].type == JSON_NUMBER;
	}
	if (!number || !number_int(text, len, total) || *total < 0)
		return no_number(n->total.name, text, len, e);
	return 1;
}

/* Records that went from a page already read have moved the others up, one of
 * them from the next page to that one. */
static int
page_shifted(struct numbered *n, int64_t total, struct err *e)
{
	int64_t before = n->before;

	n->before = total;
	if (!n->increments || total >= before)
		return 0;
	return err_set(e, ERR_PEER, true, "%" PRId64 " records before, %"
	    PRId64 " now: others may have moved past the page's edge "
	    "unread", before, total);
}

static int
page_more(void *self, const struct page *p, struct err *e)
{
	struct numbered *n = self;
	int64_t total = 0;
	int known = 0;

	n->seen += p->records;
	if (n->has_total && ((known = page_total(n, p, &total, e)) == -1 ||
	    (known == 1 && page_shifted(n, total, e) == -1))) {
		err_prefix(e, "%s", p->shown);
		return -1;
	}
	if (p->records == 0 && known == 1 && !n->middle &&
	    n->seen < (uint64_t)total)
		err_warnf("etl-extract", "%s: an empty page after %" PRIu64
		    " of %" PRId64 " records", p->shown, n->seen, total);
	return p->records > 0 && !(known == 1 && n->seen >= (uint64_t)total);
}

const struct paginator paginator_page = {
	.name = "page", .open = page_open, .ask = page_ask,
	.more = page_more, .close = page_close,
};
