#include "each.h"

#include "json/pointer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
each_call_init(struct each_call *c, const struct extract_opts *o)
{
	*c = (struct each_call){ .body.records = o->records };
	request_init(&c->request);
	http_answer_init(&c->answer, o->max_body);
	raw_record_init(&c->raw);
	buf_init(&c->url, REQUEST_URL_MAX);
	buf_init(&c->out, o->max_record);
}

void
each_call_release(struct each_call *c)
{
	request_release(&c->request);
	http_answer_release(&c->answer);
	json_release(&c->body.j);
	json_release(&c->j);
	raw_record_release(&c->raw);
	buf_release(&c->url);
	buf_release(&c->out);
}

int
each_call_open(struct each_call *c, struct extract *x, struct err *e)
{
	c->request.source = x->opts.each;
	if (request_load_body(&c->request, &x->opts, e) == -1 ||
	    fetch_open_once(&c->fetch, x, e) == -1 ||
	    request_set_url(&c->request, &x->opts, "", 0, e) == -1)
		return -1;
	c->body.fetch = c->fetch;
	c->url.max = c->request.url.max - c->request.url.len;
	return 0;
}

struct held_line {
	struct line line;
	struct buf bytes;
	enum { NOT_KNOWN, HAS_REQUEST, HAS_NONE } request;
};

int
each_input_open(struct each_input *i, struct stage *s,
    const struct extract_opts *o, struct err *e)
{
	*i = (struct each_input){ .stage = s, .behind = STAGE_WAIT };
	if (o->jobs <= 1)
		return 0;
	if ((i->held = calloc(o->jobs, sizeof(*i->held))) == NULL)
		return err_nomem(e);
	i->cap = o->jobs;
	for (size_t k = 0; k < i->cap; k++)
		buf_init(&i->held[k].bytes, o->max_record + LINES_KEPT);
	return 0;
}

void
each_input_release(struct each_input *i)
{
	for (size_t k = 0; k < i->cap; k++)
		buf_release(&i->held[k].bytes);
	free(i->held);
}

static struct held_line *
get_held_line(const struct each_input *i, size_t n)
{
	return &i->held[(i->first + n) % i->cap];
}

/* Stores a copy of the line in the ring. If the place in the ring has the
 * memory of a large line, that memory is freed first, because most lines are
 * short. */
static void
hold_line(struct each_input *i, const struct line *l, struct err *e)
{
	struct held_line *to = get_held_line(i, i->n);

	if (to->bytes.cap > LINES_KEPT)
		buf_release(&to->bytes);
	buf_clear(&to->bytes);
	buf_add(&to->bytes, l->data, l->len);
	to->line = *l;
	to->line.data = buf_text(&to->bytes);
	to->request = NOT_KNOWN;
	if (buf_check(&to->bytes, e) == -1)
		i->behind = STAGE_FAILED;
	else
		i->n++;
}

/* Reads one line of the input. Stores a record in the ring, and a mark, the end
 * or a failure in i->behind. */
static void
store_next_line(struct each_input *i, int timeout)
{
	struct line l;
	enum stage_item got = stage_next(i->stage, &l, timeout, &i->why);

	if (got == STAGE_RECORD)
		hold_line(i, &l, &i->why);
	else
		i->behind = got;
	if (got == STAGE_MARK)
		i->mark = l;
}

/* True if the ring has room and neither a mark nor the end of the input waits
 * behind its lines. */
static bool
may_read_line(const struct each_input *i)
{
	return i->behind == STAGE_WAIT && i->n < i->cap;
}

/* Reads the lines that are available now, as far as the ring has room for them.
 * Does not wait for input. */
static void
read_available(struct each_input *i)
{
	size_t before;

	do {
		before = i->n;
		if (may_read_line(i))
			store_next_line(i, 0);
	} while (i->n > before);
}

static void
drop_current(struct each_input *i)
{
	if (!i->has_present)
		return;
	i->first = (i->first + 1) % i->cap;
	i->n--;
	i->has_present = false;
}

enum stage_item
each_input_next(struct each_input *i, struct line *l, struct err *e)
{
	enum stage_item got;

	if (i->held == NULL)
		return stage_next(i->stage, l, -1, e);
	drop_current(i);
	if (i->n == 0 && i->behind == STAGE_WAIT)
		store_next_line(i, -1);
	if (i->n > 0) {
		read_available(i);
		i->has_present = true;
		*l = get_held_line(i, 0)->line;
		return STAGE_RECORD;
	}
	got = i->behind;
	i->behind = STAGE_WAIT;
	*l = i->mark;
	*e = i->why;
	return got;
}

/* Returns the n-th request that follows the request of the current record.
 * Skips records that will be rejected without a request. Returns NULL if the
 * request is not known yet. */
static const struct request *
find_upcoming(void *self, uint64_t n)
{
	struct each_input *i = self;
	const struct request *r = NULL;
	struct held_line *h;

	read_available(i);
	for (size_t k = 1; k < i->n; k++) {
		h = get_held_line(i, k);
		if (h->request == NOT_KNOWN ||
		    (h->request == HAS_REQUEST && n == 1)) {
			r = i->make(i->self, &h->line);
			h->request = r != NULL ? HAS_REQUEST : HAS_NONE;
		}
		if (h->request == HAS_REQUEST && n-- == 1)
			return r;
	}
	return NULL;
}

/* Returns standard input if more lines are wanted now, else -1. */
static int
find_wanted_input(void *self)
{
	return may_read_line(self) ? STDIN_FILENO : -1;
}

void
each_input_send_early(struct each_input *i, struct fetch *f,
    each_make_request *make, void *self)
{
	const struct upcoming u = { find_upcoming,
	    find_wanted_input, i };

	i->make = make;
	i->self = self;
	fetch_set_upcoming(f, &u);
}

enum { NAME_SHOWN = 200, MESSAGE_MAX = 1024 };

const char each_has_name[] = "the record already has a member of this name";

struct each_open_record
each_record_start(const struct json *record)
{
	const struct json_tok *t = record->tok;

	return (struct each_open_record){ t->at,
		t->members == 0 ? 1 : (size_t)t->len - 1 };
}

int
each_emit(struct stage *s, struct buf *out, const struct line *l, struct err *e)
{
	char why[128];

	buf_char(out, '}');
	if (out->full) {
		struct reject r = { .code = "too_long", .message = why };

		(void)snprintf(why, sizeof(why), "the record with its answer "
		    "is longer than --max-record, which is %zu bytes",
		    out->max);
		return stage_reject(s, l, &r, e);
	}
	if (buf_check(out, e) == -1 ||
	    stage_emit(s, out->data, out->len, e) == -1)
		return -1;
	stage_count_input(s, true);
	return 0;
}

const char *
each_find_name(const struct extract_opts *o, const struct json *record)
{
	const char *name[] = { o->as, o->count_as };

	for (size_t i = 0; i < 2; i++)
		if (name[i] != NULL && json_member_value(
		    record, 0, name[i], strlen(name[i])) != 0)
			return name[i];
	return NULL;
}

int
each_reject_member(struct stage *s, const struct line *l, const char *code,
    const char *name, size_t n, const char *why, struct err *e)
{
	struct reject r = { .code = code };
	struct buf pointer, message;
	int rc;

	buf_init(&pointer, n * 2 + 2);
	buf_init(&message, MESSAGE_MAX);
	pointer_put_part(&pointer, name, n);
	buf_printf(&message, "%.*s: %s", n > NAME_SHOWN ? NAME_SHOWN : (int)n,
	    name, why);
	r.pointer = buf_text(&pointer);
	r.message = buf_text(&message);
	rc = buf_check(&pointer, e) == -1 || buf_check(&message, e) == -1 ?
	    -1 : stage_reject(s, l, &r, e);
	buf_release(&pointer);
	buf_release(&message);
	return rc;
}

int
each_reject_request(struct stage *s, const struct line *l, int status,
    const struct err *why, struct err *e)
{
	struct reject r = { .code = "http", .message = why->msg,
	    .http_status = status, .retryable = why->transient };

	return stage_reject(s, l, &r, e);
}

bool
each_has_line_feed(const struct line *l, struct reject *r)
{
	if (memchr(l->data, '\n', l->len) == NULL)
		return false;
	*r = (struct reject){ .code = "parse", .message = "the record contains "
	    "a line feed: it is no line of NDJSON" };
	return true;
}
