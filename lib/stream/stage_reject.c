#include "base/text.h"
#include "input_format.h"
#include "stage_impl.h"

#include <stdio.h>
#include <string.h>

enum { LARGE = 1 << 20 };       /* a buffer above this is freed after use */

int
stage_no_reject_place(const struct stage *s, const struct reject *r,
    struct err *e)
{
	const struct origin *o;
	struct buf where, message, format;

	if (r == NULL)
		return err_set(e, ERR_DATA, false, "nowhere to write rejects: "
		    "wrap the pipeline in { ...; } 3>>rejects.ndjson or give "
		    "--rejects FILE");
	o = &r->origin;
	buf_init(&where, 2048);
	buf_init(&message, 4096);
	buf_init(&format, 1024);
	if (o->page != 0)
		buf_printf(&where, "page %llu, record %llu",
		    (unsigned long long)o->page, (unsigned long long)o->index);
	else if (o->index != 0)
		buf_printf(&where, "%s%srecord %llu",
		    o->uri != NULL ? o->uri : "", o->uri != NULL ? ": " : "",
		    (unsigned long long)o->index);
	else
		buf_printf(&where, "%s%sline %llu",
		    o->uri != NULL ? o->uri : "", o->uri != NULL ? ": " : "",
		    (unsigned long long)o->line);
	/* The message may contain a value of the record. text_show() escapes
	 * newlines, so that the value cannot look like another message of this
	 * program. */
	text_show(&message, r->message != NULL ? r->message : "rejected",
	    r->message != NULL ? strlen(r->message) : strlen("rejected"));
	input_advise_format(&format, r->code, o->line, r->raw, r->raw_len);
	if (stage_is_plain(s) && input_may_be_mark(r->raw, r->raw_len))
		input_advise_filter(&format, o->line);
	(void)err_set(e, ERR_DATA, false, "%s: %s (%s): the record is "
	    "rejected, but there is nowhere to write rejects: wrap the "
	    "pipeline in { ...; } 3>>rejects.ndjson or give --rejects FILE%s",
	    buf_text(&where), buf_text(&message), r->code, buf_text(&format));
	buf_release(&where);
	buf_release(&message);
	buf_release(&format);
	return -1;
}

int
stage_write_aside(struct stage *s, const char *line_with_lf, size_t len,
    struct err *e)
{
	if (s->aside == NULL)
		return stage_no_reject_place(s, NULL, e);
	return reject_file_append(s->aside, line_with_lf, len, e);
}

bool
stage_reject_file_is(const struct stage *s, const struct stat *st)
{
	return reject_file_is(s->aside, st);
}

/* Writes the reject. Fails if there is no place for it. */
static int
write_reject(struct stage *s, const struct reject *r, enum reject_way way,
    struct err *e)
{
	if (way == REJECT_NOWHERE)
		return stage_no_reject_place(s, r, e);
	if (way == REJECT_TO_STREAM && s->out == NULL)
		return err_bug(e, "it has no output stream for a reject");
	buf_clear(&s->text);
	if (reject_put_line(&s->text, &s->who, r, e) == -1)
		return -1;
	buf_char(&s->text, '\n');
	if (buf_check(&s->text, e) == -1)
		return -1;
	return way == REJECT_TO_FILE
	    ? reject_file_append(
	    s->aside, s->text.data, s->text.len, e)
	    : out_write_part(s->out, s->text.data, s->text.len, e);
}

int
stage_reject(struct stage *s, const struct line *l, struct reject *r,
    struct err *e)
{
	enum reject_way way = stage_reject_way(s);

	if (l != NULL)
		reject_fill(r, l);
	if (write_reject(s, r, way, e) == -1)
		return -1;
	if (s->text.cap > LARGE)
		buf_release(&s->text);
	s->counts.rejected++;
	if (way == REJECT_TO_FILE)
		s->counts.aside++;
	causes_add(s->causes, r->code, r->message, r->raw, r->raw_len,
	    r->origin.line);
	return stage_check_limit(s, false, e);
}

int
stage_parse_shared(const struct stage *s, const struct line *l, struct json *j,
    unsigned levels, enum json_members dup, struct reject *r,
    char why[STAGE_WHY], struct err *e)
{
	struct json_fault f = { 0 };

	*r = (struct reject){ .message = why };
	reject_fill(r, l);
	if (l->too_long) {
		r->code = "too_long";
		(void)snprintf(why, STAGE_WHY, "%llu bytes, more than "
		    "--max-record %zu", (unsigned long long)l->bytes,
		    s->max_record);
	} else if (json_scan(j, l->data, l->len, levels, dup, &f) == -1) {
		if (f.nomem)
			return err_nomem(e);
		r->code = f.code;
		json_fault_text(why, STAGE_WHY, &f);
	} else if (j->tok[0].type != JSON_OBJECT) {
		r->code = "type";
		(void)snprintf(why, STAGE_WHY, "the record is %s, not "
		    "an object", json_type_name(j->tok[0].type));
	} else if ((s->conf->plain || s->conf->source || s->conf->reads_raw) &&
	    is_mark_line(l->data, l->len)) {
		r->code = "reserved";
		(void)snprintf(why, STAGE_WHY, "a record may not "
		    "begin with the member @etl");
	} else {
		return 1;
	}
	return 0;
}

int
stage_parse_only(struct stage *s, const struct line *l, struct json *j,
    unsigned levels, enum json_members dup, struct reject *r, struct err *e)
{
	return stage_parse_shared(s, l, j, levels, dup, r, s->why, e);
}

int
stage_parse(struct stage *s, const struct line *l, struct json *j,
    unsigned levels, enum json_members dup, struct err *e)
{
	struct reject r;
	int ok = stage_parse_only(s, l, j, levels, dup, &r, e);

	if (ok != 0)
		return ok;
	return stage_reject(s, NULL, &r, e);
}
