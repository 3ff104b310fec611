#include "page/pages.h"

#include "base/text.h"
#include "json/pointer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_SHOWN = 80, SHOWN_MAX = 1024, OUTLINE_DEPTH = 200 };

static size_t
blank_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\n' ||
	    p[i] == '\r'))
		i++;
	return i;
}

int
body_fail(const struct body *b, const char *why, bool transient, struct err *e)
{
	struct buf s;

	buf_init(&s, SHOWN_MAX);
	fetch_show_body(b->fetch, &s, b->answer, START_SHOWN);
	(void)err_set(e, ERR_PEER, transient, "%s: %s", why, buf_text(&s));
	buf_release(&s);
	return -1;
}

/* Returns down to which level of nesting json_scan() must make tokens, so that
 * each record has a token, and so have its members if the caller needs them.
 * For example, the records in {"data":[{...},{...}]} are at level 2. */
static unsigned
levels_needed(const struct body *b, char first)
{
	return b->levels_in_records +
	    (b->records != NULL ? pointer_count(b->records) + 1 :
	    first == '[' ? 1 : 2);
}

/* Copies JSON text to `out`, but writes "x" for each character inside a string,
 * and a space for each character that is nested deeper than OUTLINE_DEPTH. So
 * invalid UTF-8, a wrong escape or too deep nesting inside one record does not
 * make the copy invalid. For example, {"a":"b\q"} becomes {"x":"xxx"}. The
 * copy has the same length, so byte offsets are the same in both texts. */
static void
copy_structure(char *out, const char *text, size_t n)
{
	bool string = false;
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (string && c == '\\' && i + 1 < n) {
			out[i++] = depth > OUTLINE_DEPTH ? ' ' : 'x';
			c = 'x';
		} else if (c == '"') {
			string = !string;
		} else if (string) {
			c = 'x';
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
		out[i] = depth > OUTLINE_DEPTH ? ' ' : c;
		if (!string && (c == '[' || c == '{'))
			depth++;
	}
}

/* Sets the tokens of b->j by scanning a copy of the text in which
 * copy_structure() has overwritten the contents of strings. Returns -1 if this
 * copy is not valid JSON either: b->j must not be used then. */
static int
scan_structure(struct body *b, const char *text, size_t n, unsigned levels,
    struct json_fault *f)
{
	char *copy = malloc(n);
	int rc;

	if (copy == NULL) {
		f->nomem = true;
		return -1;
	}
	copy_structure(copy, text, n);
	rc = json_scan(&b->j, copy, n, levels, JSON_LAST, f);
	b->j.text = text;
	free(copy);
	return rc;
}

/* Called if json_scan() has found the fault *f in the answer: sets the error.
 * Scans the answer again with the contents of all strings overwritten. If the
 * answer was cut short, this second scan fails at the end of the text, even if
 * the cut is inside a UTF-8 character or an escape. */
static int
fail_not_json(struct body *b, const struct json_fault *f, struct err *e)
{
	const char *text = b->answer->body.data;
	size_t n = b->answer->body.len;
	char first = text[blank_length(text, n)], why[128];
	struct json_fault o = *f;

	if (!f->nomem && f->at < n && (first == '[' || first == '{') &&
	    scan_structure(b, text, n, levels_needed(b, first), &o) == 0)
		o = *f;
	if (o.nomem)
		return err_nomem(e);
	if (o.at >= n && (first == '[' || first == '{'))
		return body_fail(b, "the JSON ends too early", true, e);
	(void)snprintf(why, sizeof(why), "the answer is not JSON (%s, at byte "
	    "%zu)", f->why, f->at + 1);
	return body_fail(b, why, false, e);
}

int
body_parse(struct body *b, const struct http_answer *a, struct err *e)
{
	const char *text = a->body.data;
	size_t n = a->body.len, at = blank_length(text, n);
	struct json_fault f = { 0 };

	b->answer = a;
	b->array = 0;
	b->no_records = http_answer_is_empty(a);
	if (b->no_records)
		return 0;
	if (at == n)
		return err_set(e, ERR_PEER, false, "the answer is empty");
	if (json_scan(&b->j, text, n, levels_needed(b, text[at]), JSON_LAST,
	    &f) == 0)
		return 0;
	return fail_not_json(b, &f, e);
}

int
body_fail_no_array(const struct body *b, struct err *e)
{
	char why[256];

	if (b->records == NULL)
		(void)snprintf(why, sizeof(why), "found no array of records in "
		    "the answer (give its place with --records POINTER)");
	else
		(void)snprintf(why, sizeof(why), "the answer has no array of "
		    "records at --records '%s'", b->records);
	return body_fail(b, why, false, e);
}

/* Names both arrays. */
static int
fail_two_arrays(const char *one, size_t one_len, const char *other,
    size_t other_len, struct err *e)
{
	struct buf s;

	buf_init(&s, SHOWN_MAX);
	text_show(&s, one, one_len);
	buf_str(&s, " and ");
	text_show(&s, other, other_len);
	(void)err_set(e, ERR_CONFIG, false, "the answer has two arrays, %s: "
	    "choose the array of records with --records", buf_text(&s));
	buf_release(&s);
	return -1;
}

/* Sets b->array to the only member of the top-level object that is an array.
 * Fails if no member or more than one is an array. */
static int
choose_only_array(struct body *b, struct err *e)
{
	const struct json_tok *t = b->j.tok;
	const char *text = b->j.text;
	uint32_t name = 0;

	for (uint32_t i = 1; i < t[0].next; i = t[i + 1].next) {
		if (t[i + 1].type != JSON_ARRAY)
			continue;
		if (name != 0)
			return fail_two_arrays(text + t[name].at, t[name].len,
			    text + t[i].at, t[i].len, e);
		name = i;
	}
	if (name == 0)
		return body_fail_no_array(b, e);
	b->array = name + 1;
	return 0;
}

int
body_find_records(struct body *b, struct err *e)
{
	const struct json_tok *t = b->j.tok;

	if (b->no_records)
		return 0;
	if (b->records == NULL && t[0].type == JSON_OBJECT)
		return choose_only_array(b, e);
	if (b->records != NULL &&
	    !pointer_find(&b->j, b->records, &b->array))
		return body_fail_no_array(b, e);
	if (b->records != NULL && t[b->array].type == JSON_NULL)
		b->no_records = true;
	else if (t[b->array].type != JSON_ARRAY)
		return body_fail_no_array(b, e);
	return 0;
}

uint64_t
body_count_records(const struct body *b)
{
	const struct json_tok *t = b->j.tok;
	uint64_t n = 0;

	if (b->no_records)
		return 0;
	if (t[b->array].members < UINT16_MAX)
		return t[b->array].members;
	for (uint32_t i = b->array + 1; i < t[b->array].next; i = t[i].next)
		n++;
	return n;
}

/* Sets the error for the fault that the splitter has found. */
static int
page_set_fault(const struct body *b, const struct splitter *s, struct err *e)
{
	const struct walk_fault *f = splitter_fault(s);
	const struct buf *one = splitter_first_array(s);
	const struct buf *other = splitter_second_array(s);
	char why[160];

	switch (f->kind) {
	case WALK_CUT:
		return body_fail(
		    b, "the JSON ends too early", true, e);
	case WALK_EMPTY:
		return err_set(e, ERR_PEER, false, "the answer is empty");
	case WALK_NO_ARRAY:
		return body_fail_no_array(b, e);
	case WALK_TWO_ARRAYS:
		return fail_two_arrays(
		    one->data, one->len, other->data, other->len, e);
	case WALK_RECORDS_TWICE:
		return err_set(e, ERR_PEER, false, "the answer has the member "
		    "at --records '%s' twice, the second time at byte %" PRIu64,
		    b->records, f->at + 1);
	case WALK_INSIDE:
		return err_set(e, ERR_CONFIG, false, "--next, --more or "
		    "--total points into the array of records: name a member "
		    "outside of this array");
	case WALK_TOO_LARGE:
		return err_set(e, ERR_PEER, false, "the values of the answer "
		    "that the paging needs are longer than 1 MiB");
	case WALK_LONG_NAME:
		return err_set(e, ERR_PEER, false, "the answer has a member "
		    "name that is longer than 64 KiB, at byte %" PRIu64,
		    f->at + 1);
	default:
		(void)snprintf(why, sizeof(why), "the answer is not JSON (%s, "
		    "at byte %" PRIu64 ")", f->why, f->at + 1);
		return body_fail(b, why, false, e);
	}
}

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
