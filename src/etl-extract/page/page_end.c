#include "page/page_end.h"

#include "json/number.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { MESSAGE_MAX = 1024 };

int
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

static int
fail_bad_total(const char *where, const struct page_value *v,
    const struct page *p, struct err *e)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	page_value_show(&b, v, p);
	(void)err_set(e, ERR_PEER, false, "--total %s: the page has \"%s\" "
	    "there, which is not a number of records: check the place that "
	    "--total names", where, buf_text(&b));
	buf_release(&b);
	return -1;
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
	bool number;

	if (rc != 1)
		return rc;
	number = n->total.kind == LOCATOR_HEADER ? is_all_digits(&v->text) :
	    v->type == JSON_NUMBER;
	if (!number || !number_to_int64(v->text.data, v->text.len, total) ||
	    *total < 0)
		return fail_bad_total(n->total.name, v, p, e);
	return 1;
}

/* If the total falls between two pages, the service has removed records. If the
 * removed records were on a page that has been read, all records after them
 * move up, some of them to a page that is not read again. An incremental run
 * must then fail, because no later run would read these records. Remembers the
 * total. Fails if it fell and n->must_not_shrink is set. */
static int
note_total(struct page_end *n, int64_t total, struct err *e)
{
	int64_t before = n->last_total;

	n->last_total = total;
	if (!n->must_not_shrink || total >= before)
		return 0;
	return err_set(e, ERR_PEER, true, "the total fell from %" PRId64
	    " to %" PRId64 " records between two pages: some records may "
	    "have moved to a page that was read before: run the command again",
	    before, total);
}

/* Sets *answer to PAGE_IS_LAST if as many records have come as the total says.
 * Warns if the page is empty before that. */
static int
judge_total(struct page_end *n, const struct page *p, struct page_value *v,
    enum page_end_answer *answer, struct err *e)
{
	int64_t total = 0;
	int known = read_total(n, p, v, &total, e);

	if (known != 1)
		return known;
	if (note_total(n, total, e) == -1)
		return -1;
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

/* Reads the value of --more. If it is missing, *answer stays as it is, with one
 * exception: if --more is `link`, a page without a Link header to the next page
 * is the last one. */
static int
read_more_flag(struct page_end *n, const struct page *p, struct page_value *v,
    enum page_end_answer *answer, struct err *e)
{
	int found = page_value_read(v, p, &n->more, e);

	if (found == -1)
		return -1;
	if (found == 1)
		*answer = means_no(v) ? PAGE_IS_LAST : PAGE_HAS_NEXT;
	else if (n->more.kind == LOCATOR_LINK)
		*answer = PAGE_IS_LAST;
	return 0;
}

int
page_end_check(struct page_end *n, const struct page *p,
    enum page_end_answer *answer, struct err *e)
{
	struct page_value v;
	int rc = 0;

	page_value_init(&v);
	*answer = PAGE_SAYS_NOTHING;
	n->seen += p->records;
	if (n->has_total)
		rc = judge_total(n, p, &v, answer, e);
	if (rc == 0 && n->has_more && *answer == PAGE_SAYS_NOTHING)
		rc = read_more_flag(n, p, &v, answer, e);
	page_value_release(&v);
	if (rc == -1)
		err_prefix(e, "%s", p->url);
	return rc;
}
