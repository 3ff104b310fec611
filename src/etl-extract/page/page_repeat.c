#include "page/page_repeat.h"

#include <stdlib.h>

enum { HELD_MAX = 256 << 10, RECORDS_MAX = 1000 };

int
page_repeat_init(struct page_repeat *r, struct err *e)
{
	*r = (struct page_repeat){ .differs = true };
	buf_init(&r->held, HELD_MAX);
	r->before.first = calloc(RECORDS_MAX, sizeof(*r->before.first));
	r->page.first = calloc(RECORDS_MAX, sizeof(*r->page.first));
	r->line = calloc(RECORDS_MAX, sizeof(*r->line));
	return r->before.first != NULL && r->page.first != NULL &&
	    r->line != NULL ? 0 : err_nomem(e);
}

void
page_repeat_release(struct page_repeat *r)
{
	free(r->before.first);
	free(r->page.first);
	free(r->line);
	buf_release(&r->held);
}

/* True if the page before has a record with this hash at the same place. */
static bool
is_same_as_before(const struct page_repeat *r, struct record_hash h)
{
	return r->page.n < RECORDS_MAX && r->page.n < r->before.n &&
	    record_hash_equals(r->before.first[r->page.n], h);
}

bool
page_repeat_add(struct page_repeat *r, const struct line *record,
    struct record_hash h)
{
	bool holds = !r->differs && is_same_as_before(r, h);

	record_hash_add(&r->page.all, h);
	if (r->page.n < RECORDS_MAX)
		r->page.first[r->page.n] = h;
	r->page.n++;
	if (holds) {
		buf_add(&r->held, record->data, record->len);
		holds = !r->held.failed;
		r->held.failed = r->held.full = false;
	}
	r->differs |= !holds;
	if (holds)
		r->line[r->n_held++] = *record;
	return holds;
}

bool
page_repeat_take_held(struct page_repeat *r, struct line *record)
{
	if (r->next == r->n_held) {
		r->next = r->n_held = r->at = 0;
		buf_clear(&r->held);
		return false;
	}
	*record = r->line[r->next++];
	record->data = r->held.data + r->at;
	r->at += record->len;
	return true;
}

bool
page_repeat_end(struct page_repeat *r)
{
	const struct page_hashes before = r->before;
	const bool is_repeated = r->page.n > 0 && r->page.n == before.n &&
	    record_hash_equals(r->page.all, before.all);

	r->before = r->page;
	r->page = (struct page_hashes){ .first = before.first };
	r->differs = false;
	return is_repeated;
}
