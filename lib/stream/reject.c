#include "reject.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/reject_id.h"
#include "base/text.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts in a reject line are cut: a JSON Pointer, URI or key after POINTER_MAX
 * bytes, any other text after TEXT_MAX. The backslashes with which JSON escapes
 * characters are not counted. */
enum { TEXT_MAX = 2048, POINTER_MAX = 16384, SPARE = 64 << 10 };

void
reject_who_init(struct reject_who *w, const char *stage)
{
	char uuid[UUID_TEXT];

	*w = (struct reject_who){
		.run = getenv("ETL_RUN"), .pipeline = getenv("ETL_PIPELINE")
	};
	if (w->run != NULL && w->run[0] == '\0')
		w->run = NULL;
	if (w->pipeline != NULL && w->pipeline[0] == '\0')
		w->pipeline = NULL;
	uuid_new(uuid);
	(void)snprintf(w->process, sizeof(w->process), "%.47s",
	    w->run != NULL ? w->run : uuid);
	random_hex(w->tail, sizeof(w->tail) - 1);
	(void)snprintf(w->stage, sizeof(w->stage), "%s", stage);
}

void
reject_fill(struct reject *r, const struct line *l)
{
	if (r->raw == NULL) {
		r->raw = l->data;
		r->raw_len = l->len;
		if (l->too_long) {
			r->bytes = l->bytes;
			r->sha256 = l->sha256;
		}
	}
	if (r->origin.kind == NULL)
		r->origin = (struct origin){
		    .kind = l->file != NULL ? "file" : "stdin",
		    .uri = l->file, .line = l->number, .offset = l->offset,
		    .has_offset = true };
}

/* Appends a string member. Control characters and bytes that are not UTF-8 are
 * written as readable escapes. */
static void
put_visible_text(struct buf *b, const char *name, const char *s, size_t n)
{
	struct buf shown;
	bool plain = utf8_valid_length(s, n) == n;

	for (size_t i = 0; plain && i < n; i++)
		plain = (unsigned char)s[i] >= ' ' && s[i] != 0x7f;
	if (plain) {
		json_put_member(b, name, s, n);
		return;
	}
	buf_init(&shown, 16 * (size_t)POINTER_MAX);
	text_show(&shown, s, n);
	json_put_member(b, name, shown.data, shown.len);
	b->failed |= shown.failed;
	buf_release(&shown);
}

/* Appends a string member, or nothing if s is NULL. Cuts a text after at most
 * `max` bytes, at the end of a UTF-8 character. */
static void
put_cut_text(struct buf *b, const char *name, const char *s, size_t max)
{
	size_t n;

	if (s == NULL)
		return;
	n = strnlen(s, max + 1);
	if (n > max)
		for (n = max; n > max - 4 && (s[n] & 0xc0) == 0x80; n--)
			;
	put_visible_text(b, name, s, n);
}

/* Appends a number; nothing if it is 0. */
static void
put_number(struct buf *b, const char *name, uint64_t n)
{
	if (n > 0)
		json_put_int(b, name, (int64_t)n);
}

static void
put_place_members(struct buf *b, const struct origin *o)
{
	json_put_text(b, "kind", o->kind);
	put_cut_text(b, "uri", o->uri, POINTER_MAX);
	put_number(b, "line", o->line);
	if (o->has_offset)
		json_put_int(b, "offset", (int64_t)o->offset);
	put_number(b, "page", o->page);
	put_number(b, "index", o->index);
	put_cut_text(b, "key", o->key, POINTER_MAX);
}

static void
put_origin(struct buf *b, const struct origin *o)
{
	if (o->kind == NULL && o->members == NULL)
		return;
	json_put_raw(b, "origin", "{", 1);
	if (o->members != NULL)
		buf_str(b, o->members);
	else
		put_place_members(b, o);
	if (o->columns != NULL)
		json_put_raw(b, "columns", o->columns, strlen(o->columns));
	buf_char(b, '}');
}

bool
reject_raw_is_text(const char *p, size_t n)
{
	size_t more = 0;

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			more += 5;
		else if (p[i] == '"' || p[i] == '\\')
			more++;
	}
	return more <= n + SPARE && utf8_valid_length(p, n) == n;
}

/* Appends the bytes of the record. If they are only its start, also appends its
 * length and its hash. */
static void
put_raw(struct buf *b, const struct reject *r)
{
	if (r->raw == NULL)
		return;
	if (reject_raw_is_text(r->raw, r->raw_len)) {
		json_put_member(b, "raw", r->raw, r->raw_len);
	} else {
		json_put_raw(b, "raw_base64", "\"", 1);
		base64_put(b, r->raw, r->raw_len);
		buf_char(b, '"');
	}
	put_number(b, "bytes", r->bytes);
	if (r->sha256 != NULL)
		json_put_text(b, "sha256", r->sha256);
}

/* Begins the line with the members that identify the reject. */
static void
put_identity(struct buf *b, struct reject_who *w, const char *id)
{
	char occurrence[160];

	(void)snprintf(occurrence, sizeof(occurrence), "%s/%s.%s/%llu",
	    w->process, w->stage, w->tail, (unsigned long long)++w->n);
	buf_char(b, '{');
	json_put_text(b, "@etl", "reject");
	json_put_int(b, "v", 1);
	json_put_text(b, "id", id);
	put_cut_text(b, "occurrence", occurrence, sizeof(occurrence));
	put_cut_text(b, "run", w->run, TEXT_MAX);
	put_cut_text(b, "pipeline", w->pipeline, TEXT_MAX);
	put_cut_text(b, "stream", w->stream, TEXT_MAX);
	json_put_text(b, "stage", w->stage);
}

int
reject_put_line(struct buf *out, struct reject_who *w, const struct reject *r,
    struct err *e)
{
	const struct reject_place place = { .pipeline = w->pipeline,
		.stream = w->stream, .stage = w->stage, .table = r->target };
	char id[HASH_HEX], at[CLOCK_STAMP];

	if (r->id == NULL && reject_id_record(id, &place, r->raw,
	    r->raw != NULL ? r->raw_len : 0, r->sha256, e) == -1)
		return -1;
	put_identity(out, w, r->id != NULL ? r->id : id);
	put_cut_text(out, "target", r->target, TEXT_MAX);
	json_put_text(out, "code", r->code);
	put_cut_text(out, "message", r->message, TEXT_MAX);
	put_cut_text(out, "pointer", r->pointer, POINTER_MAX);
	put_origin(out, &r->origin);
	put_raw(out, r);
	if (r->retryable)
		json_put_raw(out, "retryable", "true", 4);
	put_cut_text(out, "sqlstate", r->sqlstate, TEXT_MAX);
	put_number(out, "http_status",
	    r->http_status > 0 ? (uint64_t)r->http_status : 0);
	clock_stamp(at);
	json_put_text(out, "at", w->at != NULL ? w->at : at);
	buf_char(out, '}');
	return buf_check(out, e);
}
