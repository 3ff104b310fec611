#include "mark.h"

#include "base/text.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>

void
mark_put_counts(struct buf *b, const struct counts *c)
{
	buf_char(b, '{');
	json_put_text(b, "stage", c->stage);
	json_put_int(b, "in", (int64_t)c->in);
	json_put_int(b, "out", (int64_t)c->out);
	json_put_int(b, "dropped", (int64_t)c->dropped);
	json_put_int(b, "rejected", (int64_t)c->rejected);
	if (c->aside > 0)
		json_put_int(b, "aside", (int64_t)c->aside);
	buf_char(b, '}');
}

static void
open_mark(struct buf *b, const char *kind)
{
	buf_char(b, '{');
	json_put_text(b, "@etl", kind);
}

static void
open_stages_array(struct buf *b)
{
	buf_char(b, ',');
	json_put_string(b, "stages", 6);
	buf_str(b, ":[");
}

/* Completes a mark of the first stage of a stream: appends the member "stages"
 * with the counts of this stage, and closes the JSON object. */
static int
close_mark(struct buf *b, const struct counts *c, struct err *e)
{
	open_stages_array(b);
	mark_put_counts(b, c);
	buf_str(b, "]}");
	return buf_check(b, e);
}

/* Appends a string member, unless the text is NULL or not UTF-8: some texts
 * come from environment variables, which can hold any bytes. */
static void
put_valid_text(struct buf *b, const char *name, const char *s)
{
	if (s != NULL && utf8_valid_length(s, strlen(s)) == strlen(s))
		json_put_text(b, name, s);
}

int
mark_put_begin(struct buf *out, const struct mark *m, struct err *e)
{
	open_mark(out, "begin");
	json_put_int(out, "v", 1);
	json_put_text(out, "id", m->id);
	put_valid_text(out, "stream", m->stream);
	put_valid_text(out, "run", m->run);
	put_valid_text(out, "pipeline", m->pipeline);
	open_stages_array(out);
	for (size_t i = 0; i < m->nstages; i++) {
		if (i > 0)
			buf_char(out, ',');
		json_put_string(out, m->stages[i].stage,
		    strlen(m->stages[i].stage));
	}
	buf_char(out, ']');
	if (m->replay) {
		json_put_raw(out, "replay", "true", 4);
		put_valid_text(out, "stage", m->stage);
		put_valid_text(out, "target", m->target);
	}
	put_valid_text(out, "checkpoint", m->checkpoint);
	put_valid_text(out, "files_by", m->files_by);
	if (m->lookback)
		json_put_raw(out, "lookback", "true", 4);
	if (m->piped)
		json_put_raw(out, "piped", "true", 4);
	put_valid_text(out, "traceparent", m->traceparent);
	buf_char(out, '}');
	return buf_check(out, e);
}

int
mark_put_failed(struct buf *out, const char *stage, const struct err *why,
    const struct broken_files *broken, struct err *e)
{
	size_t n = strlen(why->msg);
	size_t valid = utf8_valid_length(why->msg, n);

	open_mark(out, "failed");
	json_put_text(out, "stage", stage);
	json_put_int(out, "code", err_exit_code(why));
	/* err_set() may have cut the message inside a UTF-8 character: write
	 * only its valid part. */
	json_put_member(out, "message", why->msg, valid);
	json_put_raw(out, "printed", "true", 4);
	if (broken != NULL) {
		json_put_int(out, "version", (int64_t)broken->version);
		json_put_raw(out, "files", broken->json, strlen(broken->json));
	}
	buf_char(out, '}');
	return buf_check(out, e);
}

int
mark_put_columns(
    struct buf *out, const char *types, size_t len, struct err *e)
{
	open_mark(out, "columns");
	json_put_raw(out, "columns", types, len);
	buf_char(out, '}');
	return buf_check(out, e);
}

int
mark_put_checkpoint(struct buf *out, const struct checkpoint_mark *p,
    uint64_t seq, const struct counts *c, struct err *e)
{
	open_mark(out, "checkpoint");
	json_put_text(out, "name", p->name);
	json_put_int(out, "seq", (int64_t)seq);
	if (p->from != NULL)
		json_put_text(out, "from", p->from);
	else
		json_put_raw(out, "from", "null", 4);
	json_put_int(out, "version", (int64_t)p->version);
	json_put_text(out, "value", p->value);
	if (p->files != NULL)
		json_put_raw(out, "files", p->files, strlen(p->files));
	if (p->validators != NULL)
		json_put_raw(out, "validators", p->validators,
		    strlen(p->validators));
	return close_mark(out, c, e);
}

int
mark_put_resolve(struct buf *out, const struct resolve_mark *r,
    uint64_t seq, const struct counts *c, struct err *e)
{
	open_mark(out, "resolve");
	json_put_text(out, "id", r->id);
	json_put_int(out, "seq", (int64_t)seq);
	json_put_int(out, "seen", (int64_t)r->seen);
	json_put_int(out, "upto", (int64_t)r->upto);
	return close_mark(out, c, e);
}

int
mark_put_end(struct buf *out, uint64_t seq, const uint64_t *version,
    const char *cut, const struct counts *c, struct err *e)
{
	open_mark(out, "end");
	if (seq > 0)
		json_put_int(out, "seq", (int64_t)seq);
	if (version != NULL)
		json_put_int(out, "version", (int64_t)*version);
	put_valid_text(out, "cut", cut);
	return close_mark(out, c, e);
}

/* Parses a mark. Returns the index of the token of its array "stages". If it
 * has none, sets *e and returns 0. */
static uint32_t
parse_stages(struct json *j, const char *line, size_t len, struct err *e)
{
	struct json_fault f = { 0 };
	uint32_t a = 0;

	if (json_scan(j, line, len, 3, JSON_UNIQUE, &f) == 0)
		a = json_member_value(j, 0, "stages", 6);
	if (a != 0 && j->tok[a].type == JSON_ARRAY)
		return a;
	(void)(f.nomem ? err_nomem(e) : err_set(e, ERR_PEER, false,
	    "broken mark (a line with \"@etl\"): the array \"stages\" is "
	    "missing"));
	return 0;
}

/* Inserts an entry before the "]" of the member "stages" of a mark. All other
 * bytes of the mark stay the same. */
int
mark_add_stage(struct buf *out, const char *line, size_t len,
    const struct counts *c, struct err *e)
{
	struct json j = { 0 };
	uint32_t a = parse_stages(&j, line, len, e);
	size_t at;
	int rc = -1;

	if (a == 0)
		goto out;
	at = (size_t)j.tok[a].at + j.tok[a].len - 1;
	buf_add(out, line, at);
	if (j.tok[a].members > 0)
		buf_char(out, ',');
	if (memcmp(line + j.tok[2].at, "\"begin\"", 7) == 0)
		json_put_string(out, c->stage, strlen(c->stage));
	else
		mark_put_counts(out, c);
	buf_add(out, line + at, len - at);
	rc = buf_check(out, e);
out:
	json_release(&j);
	return rc;
}

int
mark_replace_stages(struct buf *out, const char *line, size_t len,
    const char *other, size_t other_len, struct err *e)
{
	struct json j = { 0 }, k = { 0 };
	uint32_t a = parse_stages(&j, line, len, e);
	uint32_t b = a != 0 ? parse_stages(&k, other, other_len, e) : 0;
	int rc = -1;

	if (b != 0) {
		size_t at = j.tok[a].at, end = at + j.tok[a].len;

		buf_add(out, line, at);
		buf_add(out, other + k.tok[b].at, k.tok[b].len);
		buf_add(out, line + end, len - end);
		rc = buf_check(out, e);
	}
	json_release(&j);
	json_release(&k);
	return rc;
}

void
mark_name_stage(char out[64], const char *name, const struct counts *taken,
    size_t ntaken)
{
	(void)snprintf(out, 64, "%.55s", name);
	for (unsigned k = 2; k <= MARK_STAGES + 1; k++) {
		size_t i = 0;

		while (i < ntaken && strcmp(taken[i].stage, out) != 0)
			i++;
		if (i == ntaken)
			return;
		(void)snprintf(out, 64, "%.55s.%u", name, k);
	}
}

/* Fails if the stage lost more records than it read. */
static int
check_losses(const struct counts *c, struct err *e)
{
	uint64_t gone = c->dropped + c->rejected;

	if (c->aside > c->rejected || (c->in > 0 && (gone > c->in ||
	    (gone == c->in && c->out > 0))))
		return err_bug(e, "the counts of stage %s do not add up: %llu "
		    "in, %llu out, %llu dropped, %llu rejected, %llu of these "
		    "written to a file", c->stage, (unsigned long long)c->in,
		    (unsigned long long)c->out, (unsigned long long)c->dropped,
		    (unsigned long long)c->rejected,
		    (unsigned long long)c->aside);
	return 0;
}

int
mark_check_between(const char *from, uint64_t out, const char *to, uint64_t in,
    struct err *e)
{
	if (out == in)
		return 0;
	return err_set(e, ERR_PEER, false, "%llu records were %s between %s, "
	    "which wrote %llu, and %s, which read %llu: run the command "
	    "between them as \"etl-via COMMAND\"",
	    (unsigned long long)(out > in ? out - in : in - out),
	    out > in ? "lost" : "added", from, (unsigned long long)out, to,
	    (unsigned long long)in);
}

int
mark_check_counts(const struct mark *m, struct err *e)
{
	for (size_t i = 0; i < m->nstages; i++) {
		const struct counts *c = &m->stages[i];

		if (check_losses(c, e) == -1)
			return -1;
		if (i > 0 &&
		    mark_check_between(c[-1].stage, c[-1].out, c->stage, c->in,
		    e) == -1)
			return -1;
	}
	return 0;
}
