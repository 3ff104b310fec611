#include "each_output.h"

#include "json/pointer.h"

#include <stdio.h>
#include <string.h>

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

int
each_read_raw(struct raw_record *raw, const struct line *mark, struct line *l,
    struct err *e)
{
	const struct buf *b = &raw->bytes;

	if (raw_record_parse(raw, mark->data, mark->len, e) == -1)
		return -1;
	*l = (struct line){ .number = mark->number, .offset = mark->offset,
	    .data = b->len > 0 ? b->data : "", .len = b->len,
	    .bytes = b->len };
	return 0;
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
