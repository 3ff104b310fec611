#include "page/page_records.h"

#include "page/page_fault.h"

#include <inttypes.h>
#include <string.h>

int
page_records_open(struct page_records *r, struct fetch *f,
    const struct extract_opts *o, struct err *e)
{
	r->fetch = f;
	r->conf.records = o->records;
	r->conf.is_answer = true;
	r->body.fetch = f;
	r->body.records = o->records;
	buf_init(&r->last, o->max_record);
	buf_init(&r->outline, o->max_record + 2 * (size_t)WALK_OUTLINE_MAX);
	return splitter_open(&r->splitter, &r->conf, o->max_record, e);
}

void
page_records_close(struct page_records *r)
{
	splitter_close(r->splitter);
	buf_release(&r->last);
	buf_release(&r->outline);
	json_release(&r->body.j);
}

void
page_records_keep(struct page_records *r, const char *from)
{
	unsigned i = 0;

	while (i < WALK_WANTED - 1 && r->conf.wanted[i] != NULL)
		i++;
	if (from != NULL && *from == '/')
		r->conf.wanted[i] = from;
	if (from != NULL && strncmp(from, "last:", 5) == 0)
		r->wants_last = true;
}

/* Prepares to read the records of a new answer. */
static void
begin_answer(struct page_records *r)
{
	const struct http_answer *a = r->answer;

	splitter_restart(r->splitter);
	r->seen = 0;
	r->seen_hash = (struct record_hash){ 0 };
	r->body.answer = a;
	r->body.no_records = http_answer_is_empty(a);
}

int
page_records_begin(struct page_records *r, const struct request *request,
    struct http_answer *a, struct err *e)
{
	r->given = 0;
	r->given_hash = (struct record_hash){ 0 };
	r->has_paused = r->has_failed = false;
	r->answer = a;
	if (fetch_send(r->fetch, request, a, e) == -1)
		return -1;
	begin_answer(r);
	return 0;
}

/* Reads the body, and keeps its start for messages. */
static ssize_t
read_page_body(void *self, char *p, size_t n, struct err *e)
{
	struct page_records *r = self;
	struct buf *start = &r->answer->body;
	ssize_t got = fetch_read(r->fetch, p, n, e);

	if (got > 0 && start->len < PAGE_START_KEPT)
		buf_add(start, p, (size_t)got < PAGE_START_KEPT - start->len ?
		    (size_t)got : PAGE_START_KEPT - start->len);
	return got;
}

static int
fail_page_changed(struct page_records *r, struct err *e)
{
	(void)err_set(e, ERR_RETRY, true, "the answer was cut off after %"
	    PRIu64 " records, and the next answer has other records in their "
	    "place, so the rest of the page is not known: run the command "
	    "again", r->given);
	return fetch_mask_error(r->fetch, e);
}

/* Sends the request again after a failure. Fails if records were given already
 * and the new answer has none. */
static int
send_again(struct page_records *r, struct err *e)
{
	*e = r->why;
	r->has_failed = false;
	if (fetch_send_again(r->fetch, e) == -1)
		return -1;
	begin_answer(r);
	return r->body.no_records && r->given > 0 ? fail_page_changed(r, e) : 0;
}

/* Returns PAGE_PAUSE after a failure, so that the caller writes the records
 * that it has received before it waits for the next try. */
static enum page_next
pause_after_error(struct page_records *r, const struct err *why)
{
	r->why = *why;
	r->has_failed = true;
	return PAGE_PAUSE;
}

/* Returns PAGE_RECORD if the record must be given to the caller, or PAGE_MORE
 * if an earlier try has given it already. Fails if the records of this try
 * differ from the records that were given. */
static enum page_next
accept_record(struct page_records *r, const struct line *record, struct err *e)
{
	r->hash = record_hash(record);
	record_hash_add(&r->seen_hash, r->hash);
	r->seen++;
	if (r->seen < r->given)
		return PAGE_MORE;
	if (r->seen == r->given &&
	    record_hash_equals(r->seen_hash, r->given_hash))
		return PAGE_MORE;
	if (r->seen == r->given) {
		(void)fail_page_changed(r, e);
		return PAGE_FAILED;
	}
	r->given = r->seen;
	r->given_hash = r->seen_hash;
	if (!r->wants_last)
		return PAGE_RECORD;
	buf_clear(&r->last);
	if (!record->too_long)
		buf_add(&r->last, record->data, record->len);
	return buf_check(&r->last, e) == -1 ? PAGE_FAILED : PAGE_RECORD;
}

/* Called when the whole answer has come. If `wants_last` is set, inserts the
 * last record into the outline. Then scans the outline into r->body. */
static int
scan_outline(struct page_records *r, struct err *e)
{
	const struct buf *outline = splitter_outline(r->splitter);
	size_t at = splitter_records_at(r->splitter);
	struct json_fault f = { 0 };
	const bool has_last = r->wants_last && r->given > 0;
	struct json_tok *t;

	if (r->seen < r->given)
		return fail_page_changed(r, e);
	buf_clear(&r->outline);
	buf_add(&r->outline, outline->data, at);
	if (has_last)
		buf_add(&r->outline, r->last.data, r->last.len);
	buf_add(&r->outline, outline->data + at, outline->len - at);
	if (buf_check(&r->outline, e) == -1)
		return -1;
	if ((has_last && r->last.len == 0) ||
	    json_scan(&r->body.j, r->outline.data, r->outline.len,
		JSON_LEVELS_ALL, JSON_LAST, &f) == -1) {
		if (f.nomem)
			return err_nomem(e);
		(void)err_set(e, ERR_PEER, false, "the last record of the "
		    "page is too long or not valid JSON, so the next page is "
		    "not known");
		return fetch_mask_error(r->fetch, e);
	}
	t = r->body.j.tok;
	for (r->body.array = 0; t[r->body.array].at + 1 != at &&
	    r->body.array + 1 < r->body.j.n; r->body.array++)
		continue;
	return 0;
}

/* Reads more of the body, or returns PAGE_PAUSE if this would have to wait. */
static enum page_next
read_page_part(struct page_records *r, struct err *e)
{
	const struct lines_reader reader = { read_page_body, r };
	char part[512];
	ssize_t n;

	if (!r->has_paused && fetch_may_wait(r->fetch)) {
		r->has_paused = true;
		return PAGE_PAUSE;
	}
	r->has_paused = false;
	if (!r->body.no_records)
		return splitter_read(r->splitter, reader, e) == 0 ?
		    PAGE_MORE : pause_after_error(r, e);
	n = r->answer->is_ignored || r->answer->is_unchanged ? 0 :
	    read_page_body(r, part, sizeof(part), e);
	if (n == -1)
		return pause_after_error(r, e);
	return n == 0 ? PAGE_END : PAGE_MORE;
}

/* Gives the next record of the page. If it has not come as a whole, reads more
 * of the answer and returns PAGE_MORE. */
static enum page_next
advance_page(struct page_records *r, struct line *record, struct err *e)
{
	if (r->body.no_records)
		return read_page_part(r, e);
	switch (splitter_next(r->splitter, record, e)) {
	case SPLIT_RECORD:
		return accept_record(r, record, e);
	case SPLIT_MORE:
		return read_page_part(r, e);
	case SPLIT_END:
		return scan_outline(r, e) == 0 ? PAGE_END : PAGE_FAILED;
	case SPLIT_BROKEN:
		(void)page_set_fault(&r->body, r->splitter, e);
		return pause_after_error(r, e);
	default:
		return PAGE_FAILED;
	}
}

enum page_next
page_records_next(struct page_records *r, struct line *record, struct err *e)
{
	enum page_next n;

	if (r->has_failed && send_again(r, e) == -1)
		return PAGE_FAILED;
	do
		n = advance_page(r, record, e);
	while (n == PAGE_MORE);
	return n;
}
