#include "cursor/cursor.h"

#include "base/clock.h"
#include "cursor/cursor_impl.h"
#include "cursor/cursor_stored.h"
#include "http/url.h"
#include "json/pointer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BOUND_MAX = 64 << 10,           /* bytes of the longest bound */
	VALIDATORS_MAX = 256 << 10
};

void
cursor_free(struct cursor *c)
{
	if (c == NULL)
		return;
	cursor_field_release(&c->field);
	buf_release(&c->lower_bound);
	buf_release(&c->highest);
	buf_release(&c->new_validators);
	free(c->stored);
	free(c->validators);
	free(c);
}

unsigned
cursor_levels(const struct extract_opts *o)
{
	return o->cursor_field == NULL ? 0 : pointer_count(o->cursor_field);
}

static int
compare_values(const struct cursor *c, const char *a, size_t n, const char *b)
{
	return value_compare(c->field.kind, a, n, b, strlen(b));
}

/* Warns if the time or number of --since is above the stored checkpoint (the
 * cursor value up to which earlier runs have loaded all records): the records
 * between the two are then not read. The user may want this, but should not do
 * it by accident. */
static void
warn_since_skips(const struct cursor *c)
{
	const char *stored = c->stored, *since = c->o->since;
	enum value_kind k;

	if (stored == NULL || since == NULL)
		return;
	k = value_kind(stored, strlen(stored));
	if (k != VALUE_TEXT && k == value_kind(since, strlen(since)) &&
	    value_compare(k, since, strlen(since), stored,
	    strlen(stored)) > 0)
		err_warnf("etl-extract", "--since: %.200s is after the stored "
		    "checkpoint: the records between the two are not read",
		    since);
}

/* Sets the lowest cursor value that the first request asks for: --since, else
 * the stored checkpoint less --lookback, else --start. */
static int
set_lower_bound(struct cursor *c, struct err *e)
{
	const struct extract_opts *o = c->o;
	struct lookback lookback;

	if (o->since == NULL && c->stored != NULL && o->lookback != NULL) {
		(void)lookback_parse(&lookback, o->lookback);
		return value_look_back(&c->lower_bound, c->stored, &lookback,
		    e);
	}
	if (o->since != NULL || c->stored != NULL || o->start != NULL)
		buf_str(&c->lower_bound, o->since != NULL ? o->since :
		    c->stored != NULL ? c->stored : o->start);
	return buf_check(&c->lower_bound, e);
}

int
cursor_open(struct cursor **to, const struct extract_opts *o, struct err *e)
{
	struct cursor *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->o = o;
	buf_init(&c->lower_bound, BOUND_MAX);
	buf_init(&c->highest, BOUND_MAX);
	buf_init(&c->new_validators, VALIDATORS_MAX);
	c->bound_each_page = o->paginate != NULL &&
	    strcmp(o->paginate, "since") == 0;
	c->ordered = o->ordered || c->bound_each_page;
	if (cursor_stored_read(o, &c->stored, &c->version, e) == -1 ||
	    (o->conditional && cursor_stored_validators(o, &c->validators,
	    e) == -1) ||
	    set_lower_bound(c, e) == -1) {
		cursor_free(c);
		return -1;
	}
	cursor_field_init(&c->field, o->cursor_field, c->stored,
	    o->since != NULL ? o->since : o->start);
	warn_since_skips(c);
	/* Start the time of MARK_MS here: waiting for the database must not
	 * make the first mark due. */
	c->marked_at = clock_ms();
	*to = c;
	return 0;
}

int
cursor_put_bounds(struct cursor *c, struct buf *url, struct err *e)
{
	const struct extract_opts *o = c->o;
	struct buf *since = c->bound_each_page && c->highest.len > 0 ?
	    &c->highest : &c->lower_bound;

	c->has_risen = false;
	if (since->len > 0)
		query_set(url, o->since_param, strlen(o->since_param),
		    buf_text(since));
	if (o->until != NULL)
		query_set(url, o->until_param, strlen(o->until_param),
		    o->until);
	return buf_check(url, e);
}

void
cursor_get_bounds(struct cursor *c, const char **since, const char **until)
{
	*since = c->lower_bound.len > 0 ? buf_text(&c->lower_bound) : NULL;
	*until = c->o->until;
}

void
cursor_set_ordered(struct cursor *c)
{
	c->ordered = c->orders_itself = true;
}

void
cursor_distrust_times(struct cursor *c)
{
	c->times_are_unordered = true;
}

/* True if the source sorts its records by the cursor value. */
static bool
is_in_order(const struct cursor *c)
{
	return c->ordered &&
	    !(c->times_are_unordered && c->field.kind == VALUE_TIME);
}

bool
cursor_has_risen(const struct cursor *c)
{
	return c->has_risen;
}

uint64_t
cursor_risen_at(const struct cursor *c)
{
	return c->has_risen ? c->risen_at : 0;
}

static const char *
show_highest(const struct cursor *c, char out[VALUE_SHOWN])
{
	return value_show(out, c->highest.data, c->highest.len);
}

int
cursor_fail_stuck(const struct cursor *c, const char *page, uint64_t most,
    struct err *e)
{
	char value[VALUE_SHOWN];

	if (c->highest.len == 0 && c->field.wrong_kind > 0)
		return cursor_fail_kind(&c->field, e);
	if (c->highest.len == 0)
		return err_set(e, ERR_CONFIG, false, "%s: cannot page further: "
		    "no record of the page has the member %.64s: check "
		    "--cursor-field", page, c->o->cursor_field);
	if (most > 0)
		return err_set(e, ERR_PEER, true, "%.200s: cannot page "
		    "further: all records of this page have the cursor value "
		    "'%.200s', more records may have it, and the service seems "
		    "to return at most %llu records a page, fewer than --size "
		    "requests: raise its limit, or request the pages by number "
		    "with --paginate page, or name a --cursor-field whose "
		    "values differ", page, show_highest(c, value),
		    (unsigned long long)most);
	return err_set(e, ERR_CONFIG, false, "%.200s: cannot page further: all "
	    "records of a full page have the cursor value '%.200s', and more "
	    "records may have it: raise the page size with --size, or request "
	    "the pages by number with --paginate page, or name a "
	    "--cursor-field whose values differ; if your records have "
	    "different values, the service ignores the parameter %.64s: check "
	    "--since-param", page, show_highest(c, value), c->o->since_param);
}

void
cursor_hold_marks(struct cursor *c, bool holds)
{
	c->marks_are_held = holds;
}

static int
mark_highest(struct cursor *c, struct stage *s, struct err *e)
{
	return cursor_write_mark(c, s, buf_text(&c->highest), NULL, e);
}

/* Called before a record with a cursor value above c->highest is written. If
 * the service sorts the records by the cursor, all records up to c->highest
 * have then been written. So this function may write a checkpoint mark (a line
 * that tells the loader to store this value as checkpoint). Writes at most one
 * mark for each page, and none if the last mark is recent. */
static int
write_due_mark(struct cursor *c, struct stage *s, struct err *e)
{
	if (!c->page_began || c->marks_are_held || !is_in_order(c))
		return 0;
	c->page_began = false;
	if ((c->since_mark < MARK_RECORDS &&
	    clock_ms() - c->marked_at < MARK_MS) || !cursor_is_past(c))
		return 0;
	return mark_highest(c, s, e);
}

/* Sets the error for a record whose cursor value is lower than that of a record
 * before it, although the service should sort its records in ascending order.
 * The loader may already have stored a checkpoint above records that were not
 * read. So the message names the etl-checkpoint command that restores the
 * checkpoint which was stored before this run. */
static int
fail_unordered(const struct cursor *c, const struct item *it, struct err *e)
{
	const char *stored = c->stored == NULL ? "" : c->stored;
	char highest[VALUE_SHOWN], found[VALUE_SHOWN], restored[VALUE_SHOWN];

	char page[32] = "";

	if (it->page > 0)
		(void)snprintf(page, sizeof(page), "page %llu, ",
		    (unsigned long long)it->page);
	return err_set(e, ERR_PEER, false,
	    "%srecord %llu: the cursor %.64s falls from %.200s to %.200s, so "
	    "the records are not in ascending order: %s, and restore the "
	    "checkpoint with etl-checkpoint %s %.64s%s%.200s",
	    page, (unsigned long long)it->index,
	    c->o->cursor_field, show_highest(c, highest),
	    value_show(
	    found, c->field.text.data, c->field.text.len),
	    c->bound_each_page
	    ? "--paginate since needs ascending order; page in another way"
	    : c->orders_itself ? "read the table with --query"
	    : "leave out --ordered",
	    c->stored == NULL ? "clear" : "set", c->o->checkpoint,
	    c->stored == NULL ? "" : " ",
	    value_show(restored, stored, strlen(stored)));
}

/* Warns once if a record has a lower cursor value than the request asked for
 * with the query parameter of --since-param. The service then probably ignores
 * this parameter, and would return all its records in each run. */
static void
warn_below_bound(struct cursor *c)
{
	const struct buf *v = &c->field.text, *bound = &c->lower_bound;

	if (c->has_warned || bound->len == 0 || c->field.kind == VALUE_TEXT ||
	    value_kind(bound->data, bound->len) != c->field.kind ||
	    compare_values(c, v->data, v->len, buf_text(&c->lower_bound)) >= 0)
		return;
	c->has_warned = true;
	if (c->o->since_param == NULL) {
		err_warnf("etl-extract", "%s is %.200s in a record, which is "
		    "before the lower bound %.200s: check that the query "
		    "compares with >= :since", c->o->cursor_field,
		    buf_text(&c->field.text), buf_text(&c->lower_bound));
		return;
	}
	err_warnf("etl-extract", "%s is %.200s in a record, which is before "
	    "the requested %s=%.200s: check that the service knows this "
	    "parameter",
	    c->o->cursor_field, buf_text(&c->field.text), c->o->since_param,
	    buf_text(&c->lower_bound));
}

int
cursor_advance(struct cursor *c, struct stage *s, const struct item *it,
    const struct json *j, struct reject *r, struct err *e)
{
	struct buf *v = &c->field.text;
	int rc = cursor_field_read(&c->field, j, r, e), order = 1;

	if (rc != 1)
		return rc;
	warn_below_bound(c);
	if (c->highest.len > 0)
		order = compare_values(c, v->data, v->len,
		    buf_text(&c->highest));
	if (order < 0 && is_in_order(c))
		return fail_unordered(c, it, e);
	c->page_began |= c->accepted > 0 &&
	    (it->page != c->page || it->page == 0);
	c->page = it->page;
	if (order > 0) {
		if (c->accepted > 0 && write_due_mark(c, s, e) == -1)
			return -1;
		buf_clear(&c->highest);
		buf_add(&c->highest, v->data, v->len);
		if (buf_check(&c->highest, e) == -1)
			return -1;
		c->has_risen = c->unmarked = true;
		c->risen_at = it->index;
	}
	c->accepted++;
	c->since_mark++;
	return 1;
}
