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

/* Requests pages 1, 2, 3 and so on, until a page is empty or until as many
 * records have come as the service states in its total. A page with fewer
 * records than requested is not the end: many services limit the size of a
 * page, or leave out some records of a page after they have cut it. */
struct numbered_pages {
	struct locator into, total;
	bool has_total;
	bool starts_late;       /* --first is above 1: the pages before it are
				 * not read */
	bool is_incremental;    /* --checkpoint: if this run skips a record, no
				 * later run reads it */
	uint64_t next_page, seen;       /* seen: records so far */
	int64_t last_total;     /* the total that the page before stated */
};

static void
page_close(void *self)
{
	free(self);
}

static int
parse_into_and_total_options(
    struct numbered_pages *n, const struct extract_opts *o, struct err *e)
{
	if (o->into == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--paginate page needs --into, for example --into "
		    "query:page");
	if (locator_parse_request_place(&n->into, "--into", o->into, e) == -1)
		return -1;
	if (n->into.kind != LOCATOR_QUERY && n->into.kind != LOCATOR_HEADER)
		return err_set(e, ERR_USAGE, false, "--into %s: a page number "
		    "can only go into query:NAME or header:NAME", o->into);
	n->has_total = o->total != NULL;
	if (!n->has_total)
		return 0;
	if (locator_parse_answer_place(&n->total, "--total", o->total, e) == -1)
		return -1;
	if (n->total.kind != LOCATOR_BODY && n->total.kind != LOCATOR_HEADER)
		return err_set(e, ERR_USAGE, false, "--total %s: a total can "
		    "only come from /POINTER or header:NAME", o->total);
	return 0;
}

static int
page_open(void **self, const struct extract_opts *o, struct err *e)
{
	struct numbered_pages *n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return err_nomem(e);
	n->next_page = o->first;
	n->starts_late = o->first > 1;
	n->is_incremental = o->checkpoint != NULL;
	if (parse_into_and_total_options(n, o, e) == -1) {
		page_close(n);
		return -1;
	}
	*self = n;
	return 0;
}

static int
put_next_page_number(void *self, struct request *r, struct err *e)
{
	struct numbered_pages *n = self;
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRIu64, n->next_page++);
	if (n->into.kind == LOCATOR_QUERY) {
		query_set_dropping_fragment(
		    &r->url, n->into.name, strlen(n->into.name), number);
		return buf_check(&r->url, e);
	}
	buf_clear(&r->header);
	buf_printf(&r->header, "%s: %s", n->into.name, number);
	return buf_check(&r->header, e);
}

static int
fail_total_not_a_number(
    const char *where, const char *p, size_t n, struct err *e)
{
	struct buf b;

	buf_init(&b, 1024);
	text_show(&b, p, n > 80 ? 80 : n);
	(void)err_set(e, ERR_PEER, false, "--total %s: the page has \"%s\" "
	    "there, which is not a number of records: check the place that "
	    "--total names", where, buf_text(&b));
	buf_release(&b);
	return -1;
}

static bool
is_all_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return n > 0;
}

/* Reads the number of all records, which the service states in each answer at
 * the place of --total (a header or a member of the body). Returns 1 and sets
 * *total, or 0 if this answer does not contain the number. */
static int
read_total_records_if_stated(const struct numbered_pages *n,
    const struct page *p, int64_t *total_records, struct err *e)
{
	const struct json *j = &p->body->j;
	const char *text = NULL;
	size_t len = 0;
	uint32_t i;
	bool number;

	if (n->total.kind == LOCATOR_HEADER) {
		if (!http_find_header(p->answer, n->total.name, &text, &len))
			return 0;
		number = is_all_digits(text, len);
	} else {
		if (p->answer->status == 204 ||
		    !pointer_find(j, n->total.name, &i) ||
		    j->tok[i].type == JSON_NULL)
			return 0;
		text = j->text + j->tok[i].at;
		len = j->tok[i].len;
		number = j->tok[i].type == JSON_NUMBER;
	}
	if (!number || !number_to_int64(text, len, total_records) ||
	    *total_records < 0)
		return fail_total_not_a_number(n->total.name, text, len, e);
	return 1;
}

/* If the total falls between two pages, the service has removed records. If the
 * removed records were on a page that has been read, all records after them
 * move up, some of them to a page that is not read again. An incremental run
 * must then fail, because no later run would read these records. */
static int
fail_if_total_fell(struct numbered_pages *n, int64_t total, struct err *e)
{
	int64_t before = n->last_total;

	n->last_total = total;
	if (!n->is_incremental || total >= before)
		return 0;
	return err_set(e, ERR_PEER, true, "the total fell from %" PRId64
	    " to %" PRId64 " records between two pages: some records may "
	    "have moved to a page that was read before: run the command again",
	    before, total);
}

static int
count_page_and_has_more(void *self, const struct page *p, struct err *e)
{
	struct numbered_pages *n = self;
	int64_t total = 0;
	int known = 0;

	n->seen += p->records;
	if (n->has_total &&
	    ((known = read_total_records_if_stated(n, p, &total, e)) == -1 ||
		(known == 1 && fail_if_total_fell(n, total, e) == -1))) {
		err_prefix(e, "%s", p->url);
		return -1;
	}
	if (p->records == 0 && known == 1 && !n->starts_late &&
	    n->seen < (uint64_t)total)
		err_warnf("etl-extract", "%s: this page is empty, but only %"
		    PRIu64 " of %" PRId64 " records have come", p->url,
		    n->seen, total);
	return p->records > 0 && !(known == 1 && n->seen >= (uint64_t)total);
}

const struct paginator paginator_page = {
    .name = "page",
    .open = page_open,
    .prepare_request = put_next_page_number,
    .has_more = count_page_and_has_more,
    .close = page_close,
};
