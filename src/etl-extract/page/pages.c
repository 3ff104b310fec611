#include "page/pages.h"

#include "base/text.h"
#include "document/splitter.h"
#include "page/body.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 1024 };

static int
fail_second_array(const struct splitter *s, struct err *e)
{
	const struct buf *one = splitter_first_array(s);
	const struct buf *other = splitter_second_array(s);
	struct buf b;

	buf_init(&b, NAMES_MAX);
	text_show(&b, one->data, one->len);
	buf_str(&b, " and ");
	text_show(&b, other->data, other->len);
	(void)err_set(e, ERR_CONFIG, false, "the answer has two arrays, %s: "
	    "choose the array of records with --records", buf_text(&b));
	buf_release(&b);
	return -1;
}

/* Sets the error for the fault that the splitter has found. */
static int
page_set_fault(const struct body *b, const struct splitter *s, struct err *e)
{
	const struct walk_fault *f = splitter_fault(s);
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
		return fail_second_array(s, e);
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

/* Odd numbers with well mixed bits: the fractions of the golden ratio and of
 * the square root of 2. */
static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
static const uint64_t root = UINT64_C(0x6a09e667f3bcc909);

static inline uint64_t
mix(uint64_t h, uint64_t word, uint64_t factor)
{
	h = (h ^ word) * factor;
	return h ^ (h >> 29);
}

static void
mix_word(struct record_hash *h, uint64_t word)
{
	h->a = mix(h->a, word, golden);
	h->b = mix(h->b, word, root);
}

/* Adds the length n and the bytes at p to the hash. */
static void
add_sized_bytes(struct record_hash *h, const char *p, size_t n)
{
	uint64_t word;

	mix_word(h, n);
	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		mix_word(h, word);
	}
	word = 0;
	memcpy(&word, p, n);
	mix_word(h, word);
	mix_word(h, golden);
}

struct record_hash
record_hash(const struct line *record)
{
	struct record_hash h = { root, golden };

	add_sized_bytes(&h, record->data, record->len);
	if (record->too_long)
		add_sized_bytes(&h, record->sha256, HASH_HEX - 1);
	return h;
}

/* Updates *all, the hash of a list of records, with the hash of the next
 * record. Start with 0. */
static void
record_hash_add(struct record_hash *all, struct record_hash next)
{
	mix_word(all, next.a);
	mix_word(all, next.b);
}

static bool
record_hash_equals(struct record_hash x, struct record_hash y)
{
	return x.a == y.a && x.b == y.b;
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

void
overlap_release(struct overlap *o)
{
	free(o->slot);
	free(o->page);
	*o = (struct overlap){ 0 };
}

/* Returns a stored record with the same hash that was not found before, or
 * NULL. */
static struct overlap_slot *
find_untaken(const struct overlap *o, struct record_hash h)
{
	for (size_t i = h.a; o->n_slots > 0; i++) {
		struct overlap_slot *s = &o->slot[i & (o->n_slots - 1)];

		if (!s->is_used)
			break;
		if (!s->is_taken && record_hash_equals(s->hash, h))
			return s;
	}
	return NULL;
}

int
overlap_add(struct overlap *o, struct record_hash record,
    bool *found, struct err *e)
{
	struct overlap_slot *s = find_untaken(o, record);
	struct record_hash *more;

	*found = s != NULL;
	if (s != NULL) {
		s->is_taken = true;
		o->has_top |= s->top;
	}
	if (o->n == o->cap) {
		o->cap = o->cap == 0 ? 64 : 2 * o->cap;
		more = reallocarray(o->page, o->cap, sizeof(*more));
		if (more == NULL)
			return err_nomem(e);
		o->page = more;
	}
	o->page[o->n++] = record;
	return 0;
}

static void
insert_record(struct overlap *o, struct record_hash h, bool top)
{
	size_t i = h.a & (o->n_slots - 1);

	while (o->slot[i].is_used)
		i = (i + 1) & (o->n_slots - 1);
	o->slot[i] = (struct overlap_slot){ h, true, false, top };
}

int
overlap_end_page(struct overlap *o, uint64_t first_top_record, struct err *e)
{
	free(o->slot);
	o->slot = NULL;
	for (o->n_slots = 16; o->n_slots < 2 * o->n; o->n_slots *= 2)
		continue;
	if ((o->slot = calloc(o->n_slots, sizeof(*o->slot))) == NULL) {
		o->n_slots = 0;
		return err_nomem(e);
	}
	for (size_t i = 0; i < o->n; i++)
		insert_record(o, o->page[i], i + 1 >= first_top_record);
	o->n = 0;
	o->has_top = false;
	return 0;
}
