#include "base/text.h"
#include "stream/stage.h"
#include "stream/stage_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t
stage_count_outcomes(const struct stage *s)
{
	return s->counts.rejected + (s->conf->source ? s->counts.out :
	    s->passed + s->counts.dropped);
}

/* True if this stage reads input, and the input has no marks. */
static bool
stage_is_plain(const struct stage *s)
{
	return s->state == STATE_PLAIN && !s->conf->source;
}

struct reject_tally
stage_reject_tally(const struct stage *s, bool ended)
{
	return (struct reject_tally){ .rejected = s->counts.rejected,
		.seen = stage_count_outcomes(s), .ended = ended,
		.plain = stage_is_plain(s) };
}

int
stage_check_limit(const struct stage *s, bool ended, struct err *e)
{
	const struct reject_tally t = stage_reject_tally(s, ended);

	/* If the stream has marks, the mark failed tells etl-load to commit
	 * nothing more. If it is plain, etl-load does not learn of the
	 * failure. */
	return reject_check_limit(&s->limit, &t, s->causes,
	    s->state == STATE_PLAIN ?
	    "records that it wrote before the last reject may be loaded" :
	    "etl-load stores nothing past its last commit", e);
}

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
    char why[REJECT_WHY], struct err *e)
{
	struct json_fault f = { 0 };

	*r = (struct reject){ .message = why };
	reject_fill(r, l);
	if (l->too_long) {
		r->code = "too_long";
		(void)snprintf(why, REJECT_WHY, "%llu bytes, more than "
		    "--max-record %zu", (unsigned long long)l->bytes,
		    s->max_record);
	} else if (json_scan(j, l->data, l->len, levels, dup, &f) == -1) {
		if (f.nomem)
			return err_nomem(e);
		r->code = f.code;
		json_fault_text(why, REJECT_WHY, &f);
	} else if (j->tok[0].type != JSON_OBJECT) {
		r->code = "type";
		(void)snprintf(why, REJECT_WHY, "the record is %s, not "
		    "an object", json_type_name(j->tok[0].type));
	} else if ((s->conf->plain || s->conf->source || s->conf->reads_raw) &&
	    is_mark_line(l->data, l->len)) {
		r->code = "reserved";
		(void)snprintf(why, REJECT_WHY, "a record may not "
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

enum { FIRST_MS = 1000 };       /* how long to wait for the mark begin */

/* Called if this program fails before it reads its input, for example because a
 * filter does not compile. If the first line of the input is the mark begin,
 * writes this mark to the output. Without it, the later programs of the
 * pipeline would not look for marks, and so not for the mark failed. */
static void
pass_begin(struct stage *s)
{
	struct err e = { 0 };
	struct line l;

	if (s->in != NULL && s->state == STATE_START && !s->conf->plain &&
	    s->line.number == 0 && (s->piped || s->regular) &&
	    stage_next(s, &l, FIRST_MS, &e) == STAGE_MARK &&
	    s->given->kind == MARK_BEGIN)
		(void)stage_pass(s, &e);
}

/* Writes the mark failed at once. A failure to do so is ignored. */
static void
write_failed(struct out *o, struct buf *b, const char *name,
    const struct broken_files *broken, const struct err *why)
{
	struct err e = { 0 };

	buf_clear(b);
	if (mark_put_failed(b, name, why, broken, &e) == 0 &&
	    out_write_line(o, b->data, b->len, &e) == 0)
		(void)out_flush(o, &e);
}

void
stage_fail(struct stage *s, const struct err *why)
{
	struct err e = { 0 };

	if (s != NULL)
		stage_report_failed(s, why, false);
	if (s == NULL || s->out == NULL || why->code == ERR_GONE)
		return;
	(void)stage_flush(s, &e);
	if (s->closed || s->conf->bare)
		return;
	if (!s->started)
		pass_begin(s);
	if (s->closed ||
	    (!s->started && !s->marks && !stage_in_etl_run()))
		return;
	s->closed = true;
	/* If this stage failed before stage_join_stream(), its counts have no
	 * name: use the name of the program. */
	write_failed(s->out, &s->text,
	    s->counts.stage[0] != '\0' ? s->counts.stage : s->conf->name,
	    s->broken_json != NULL ? &s->broken : NULL, why);
}

/* Writes the mark failed if standard output is a pipe. */
static void
write_failed_pipe(const char *name, const struct err *why)
{
	struct err e = { 0 };
	struct out *o;
	struct stat st;
	struct buf b;

	if (fstat(STDOUT_FILENO, &st) == -1 || !S_ISFIFO(st.st_mode) ||
	    out_open(&o, STDOUT_FILENO, "standard output", &e) == -1)
		return;
	buf_init(&b, 64 << 10);
	write_failed(o, &b, name, NULL, why);
	buf_release(&b);
	out_free(o);
}

void
stage_fail_early(const char *name, const struct err *why)
{
	stage_report_early(name, why);
	if (stage_in_etl_run())
		write_failed_pipe(name, why);
}

void
stage_fail_pipe(const char *name, const struct err *why)
{
	stage_report_early(name, why);
	write_failed_pipe(name, why);
}
