#include "stream/mark.h"

#include "base/text.h"
#include "json/number.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The member "files" of the marks checkpoint and failed. */

/* True if token i is a list of files: an array of objects with the members
 * path, size and mtime. */
static bool
mark_files_are_valid(const struct json *j, uint32_t a)
{
	const struct json_tok *t = j->tok;

	if (t[a].type != JSON_ARRAY)
		return false;
	for (uint32_t i = a + 1; i < t[a].next; i = t[i].next) {
		const struct json_tok *path, *size, *mtime;

		if (t[i].type != JSON_OBJECT)
			return false;
		path = &t[json_member_value(j, i, "path", 4)];
		size = &t[json_member_value(j, i, "size", 4)];
		mtime = &t[json_member_value(j, i, "mtime", 5)];
		if (path->type != JSON_STRING || mtime->type != JSON_STRING ||
		    size->type != JSON_NUMBER ||
		    ((path->flags | mtime->flags) & (JSON_NUL | JSON_LONE)) ||
		    j->text[size->at] == '-' || (size->flags & JSON_FRACTION))
			return false;
	}
	return true;
}

/* Sets *files to the token of the member "files", or to 0 if the mark has
 * none. */
static int
parse_files(struct json *j, const char *line, size_t len, uint32_t *files,
    struct err *e)
{
	struct json_fault f = { 0 };

	if (json_scan(j, line, len, 3, JSON_UNIQUE, &f) == -1)
		return f.nomem ? err_nomem(e) : err_set(e, ERR_PEER, false,
		    "broken mark (a line with \"@etl\"): %s", f.why);
	*files = json_member_value(j, 0, "files", 5);
	return *files == 0 || j->tok[*files].type == JSON_ARRAY ? 0 :
	    err_set(e, ERR_PEER, false, "broken mark (a line with \"@etl\"): "
		"\"files\" is not an array");
}

/* Appends a copy of the mark of j. Inserts `more`, the elements of an array, at
 * the start of the mark's array of files (token `own`). If own is 0, the mark
 * has no such array: adds one. */
static void
put_more_files(struct buf *b, const struct json *j, uint32_t own,
    const char *more, size_t n)
{
	const size_t end = (size_t)j->tok[0].at + j->tok[0].len - 1;
	size_t at = end;

	if (own != 0)
		at = (size_t)j->tok[own].at + 1;
	buf_add(b, j->text, at);
	if (own == 0)
		buf_str(b, ",\"files\":[");
	buf_add(b, more, n);
	if (own == 0)
		buf_char(b, ']');
	else if (j->tok[own].members > 0)
		buf_char(b, ',');
	buf_add(b, j->text + at, j->len - at);
}

int
mark_add_files(struct buf *out, const char *line, size_t len, const char *older,
    size_t older_len, struct err *e)
{
	struct json j = { 0 }, k = { 0 };
	uint32_t own = 0, more = 0;
	int rc = -1;

	if (parse_files(&k, older, older_len, &more, e) == 0 &&
	    parse_files(&j, line, len, &own, e) == 0) {
		if (more == 0 || k.tok[more].members == 0)
			buf_add(out, line, len);
		else
			put_more_files(out, &j, own,
			    k.text + k.tok[more].at + 1, k.tok[more].len - 2);
		rc = buf_check(out, e);
	}
	json_release(&j);
	json_release(&k);
	return rc;
}

enum { VERSION = 1, LEVELS = 4 };

/* A mark says how many records each program has read, written and rejected.
 * Each of these numbers must be less than count_end, so that the sum of the
 * numbers of thousands of streams fits into an int64_t. */
static const uint64_t count_end = UINT64_C(1) << 51;

static const struct {
	const char *name;
	enum mark_kind kind;
} kinds[] = {
	{ "begin", MARK_BEGIN }, { "checkpoint", MARK_CHECKPOINT },
	{ "resolve", MARK_RESOLVE }, { "end", MARK_END },
	{ "reject", MARK_REJECT }, { "failed", MARK_FAILED },
	{ "raw", MARK_RAW }, { "columns", MARK_COLUMNS }
};

void
mark_release(struct mark *m)
{
	if (m == NULL)
		return;
	free(m->id);
	free(m->stream);
	free(m->run);
	free(m->pipeline);
	free(m->traceparent);
	free(m->stage);
	free(m->target);
	free(m->message);
	free(m->cut);
	free(m->checkpoint);
	free(m->files_by);
	free(m->name);
	free(m->value);
	free(m->from);
	free(m->files);
	free(m->validators);
	*m = (struct mark){ 0 };
}

bool
mark_is_boundary(enum mark_kind k)
{
	return k == MARK_CHECKPOINT || k == MARK_RESOLVE || k == MARK_END;
}

/* A mark that is being parsed. */
struct reading {
	struct json j;
	const char *kind;
	struct err *e;
};

static int
set_mark_error(const struct reading *r, const char *what)
{
	return err_set(r->e, ERR_PEER, false, "broken %s mark (a line with "
	    "\"@etl\"): %s", r->kind, what);
}

static int
set_member_error(const struct reading *r, const char *member)
{
	return err_set(r->e, ERR_PEER, false, "broken %s mark (a line with "
	    "\"@etl\"): its member \"%s\" is missing or not valid", r->kind,
	    member);
}

static uint32_t
find_member(const struct reading *r, uint32_t obj, const char *name)
{
	return json_member_value(&r->j, obj, name, strlen(name));
}

/* Sets *out to a copy of a string member. If the member is absent or null, *out
 * stays NULL. */
static int
get_text(struct reading *r, const char *name, char **out)
{
	uint32_t i = find_member(r, 0, name);
	struct buf b;
	int rc = -1;

	if (i == 0 || r->j.tok[i].type == JSON_NULL)
		return 0;
	if (r->j.tok[i].type != JSON_STRING || (r->j.tok[i].flags & JSON_NUL))
		return set_member_error(r, name);
	buf_init(&b, r->j.tok[i].len + 1);
	json_unescape(&b, &r->j, i);
	(void)buf_text(&b);
	if (buf_check(&b, r->e) == 0) {
		*out = b.data;
		b.data = NULL;
		rc = 0;
	}
	buf_release(&b);
	return rc;
}

/* True if the member is an integer without a minus sign (not even -0). */
static bool
get_uint(const struct reading *r, uint32_t obj, const char *name, int64_t *v)
{
	uint32_t i = find_member(r, obj, name);
	const struct json_tok *t = &r->j.tok[i];

	return i != 0 && t->type == JSON_NUMBER &&
	    r->j.text[t->at] != '-' &&
	    number_to_int64(r->j.text + t->at, t->len, v);
}

static int
get_count(struct reading *r, uint32_t obj, const char *name, uint64_t *out)
{
	int64_t v;

	if (!get_uint(r, obj, name, &v))
		return set_member_error(r, name);
	*out = (uint64_t)v;
	return 0;
}

static int
get_stage_name(struct reading *r, uint32_t i, struct counts *c)
{
	struct buf b;
	int rc = -1;

	buf_init(&b, r->j.tok[i].len + 1);
	if (i == 0 || r->j.tok[i].type != JSON_STRING ||
	    (r->j.tok[i].flags & JSON_NUL)) {
		(void)set_mark_error(r, "a stage without a name");
		goto out;
	}
	json_unescape(&b, &r->j, i);
	(void)buf_text(&b);
	if (buf_check(&b, r->e) == -1)
		goto out;
	if (b.len == 0 || b.len >= sizeof(c->stage)) {
		(void)set_mark_error(r, "a stage's name is empty or too long");
		goto out;
	}
	memcpy(c->stage, b.data, b.len + 1);
	rc = 0;
out:
	buf_release(&b);
	return rc;
}

static int
get_stage_count(
    struct reading *r, uint32_t obj, const char *name, uint64_t *out)
{
	if (get_count(r, obj, name, out) == -1)
		return -1;
	return *out < count_end ? 0 : set_member_error(r, name);
}

/* Reads the name and the counts of a stage. */
static int
get_stage_entry(struct reading *r, uint32_t i, struct counts *c)
{
	if (r->j.tok[i].type != JSON_OBJECT)
		return set_member_error(r, "stages");
	if (get_stage_name(r, find_member(r, i, "stage"), c) == -1 ||
	    get_stage_count(r, i, "in", &c->in) == -1 ||
	    get_stage_count(r, i, "out", &c->out) == -1 ||
	    get_stage_count(r, i, "dropped", &c->dropped) == -1 ||
	    get_stage_count(r, i, "rejected", &c->rejected) == -1)
		return -1;
	if (find_member(r, i, "aside") == 0)
		return 0;
	return get_stage_count(r, i, "aside", &c->aside);
}

static int
get_stages(struct reading *r, struct mark *m)
{
	uint32_t a = find_member(r, 0, "stages");
	int rc;

	if (a == 0 || r->j.tok[a].type != JSON_ARRAY)
		return set_mark_error(r, "no stages");
	for (uint32_t i = a + 1; i < r->j.tok[a].next; i = r->j.tok[i].next) {
		struct counts *c = &m->stages[m->nstages];

		if (m->nstages == MARK_STAGES)
			return set_mark_error(r, "too many stages");
		rc = m->kind == MARK_BEGIN ? get_stage_name(r, i, c) :
		    get_stage_entry(r, i, c);
		if (rc == -1)
			return -1;
		for (size_t k = 0; k < m->nstages; k++)
			if (strcmp(m->stages[k].stage, c->stage) == 0)
				return set_mark_error(
				    r, "two stages of one name");
		m->nstages++;
	}
	return 0;
}

static int
check_format(struct reading *r, bool needed)
{
	uint32_t i = find_member(r, 0, "v");
	int64_t v;

	if (i == 0)
		return needed ? set_mark_error(r, "no version") : 0;
	if (!get_uint(r, 0, "v", &v) || v < 1)
		return set_member_error(r, "v");
	if (v > VERSION)
		return err_set(r->e, ERR_PEER, false, "the stream is of "
		    "version %lld, newer than this program, which reads "
		    "version %d: use a newer etl", (long long)v, VERSION);
	return 0;
}

static bool
is_true(const struct reading *r, const char *name)
{
	return r->j.tok[find_member(r, 0, name)].type == JSON_TRUE;
}

static int
get_seq(struct reading *r, struct mark *m)
{
	m->has_seq = find_member(r, 0, "seq") != 0;
	if (!m->has_seq)
		return m->kind == MARK_END ? 0 : set_mark_error(r, "no seq");
	return get_count(r, 0, "seq", &m->seq);
}

/* Reads the exit code of a mark failed, which must also have a message. */
static int
get_exit_code(struct reading *r, struct mark *m)
{
	int64_t code;

	if (!get_uint(r, 0, "code", &code) || code < 1 || code > 125)
		return set_member_error(r, "code");
	m->code = (int)code;
	return m->message == NULL ? set_mark_error(r, "no message") : 0;
}

/* Reads the name and the values of a mark checkpoint. */
static int
get_checkpoint(struct reading *r, struct mark *m)
{
	if (get_text(r, "name", &m->name) == -1 ||
	    get_text(r, "value", &m->value) == -1 ||
	    get_text(r, "from", &m->from) == -1)
		return -1;
	if (m->name == NULL || m->name[0] == '\0')
		return set_mark_error(r, "no name");
	return m->value == NULL ? set_mark_error(r, "no value") : 0;
}

static int
get_validators(struct reading *r, struct mark *m)
{
	uint32_t i = find_member(r, 0, "validators");
	const struct json_tok *t = &r->j.tok[i];

	if (i == 0)
		return 0;
	if (t->type != JSON_OBJECT)
		return set_member_error(r, "validators");
	m->validators = strndup(r->j.text + t->at, t->len);
	return m->validators == NULL ? err_nomem(r->e) : 0;
}

static int
get_version(struct reading *r, struct mark *m)
{
	m->has_version = m->kind == MARK_CHECKPOINT ||
	    ((m->kind == MARK_END || m->kind == MARK_FAILED) &&
		find_member(r, 0, "version") != 0);
	return m->has_version ? get_count(r, 0, "version", &m->version) : 0;
}

static int
get_files(struct reading *r, struct mark *m)
{
	uint32_t i = find_member(r, 0, "files");
	const struct json_tok *t = &r->j.tok[i];

	if (i == 0 || (m->kind != MARK_CHECKPOINT && m->kind != MARK_FAILED))
		return 0;
	if (!mark_files_are_valid(&r->j, i))
		return set_member_error(r, "files");
	m->files = strndup(r->j.text + t->at, t->len);
	return m->files == NULL ? err_nomem(r->e) : 0;
}

/* Reads the members of a mark resolve. */
static int
get_resolve(struct reading *r, struct mark *m)
{
	if (get_count(r, 0, "seen", &m->seen) == -1 ||
	    get_count(r, 0, "upto", &m->upto) == -1)
		return -1;
	return m->upto > m->seen
		   ? set_mark_error(r, "upto is beyond seen")
		   : 0;
}

/* Only the form is checked: a newer program may know more types than this
 * one. */
static int
check_columns(const struct reading *r)
{
	const struct json_tok *tok = r->j.tok;
	uint32_t o = find_member(r, 0, "columns");

	if (o == 0 || tok[o].type != JSON_OBJECT)
		return set_member_error(r, "columns");
	for (uint32_t t = o + 1; t < tok[o].next; t = tok[t + 1].next)
		if (tok[t + 1].type != JSON_STRING ||
		    ((tok[t].flags | tok[t + 1].flags) & JSON_NUL))
			return set_member_error(r, "columns");
	return 0;
}

static int
get_members(struct reading *r, struct mark *m)
{
	if (m->kind == MARK_COLUMNS)
		return check_columns(r);
	if (check_format(r, m->kind == MARK_BEGIN) == -1 ||
	    get_text(r, "checkpoint", &m->checkpoint) == -1 ||
	    get_text(r, "id", &m->id) == -1 ||
	    get_text(r, "stage", &m->stage) == -1 ||
	    get_text(r, "target", &m->target) == -1 ||
	    get_text(r, "stream", &m->stream) == -1 ||
	    get_text(r, "run", &m->run) == -1 ||
	    get_text(r, "pipeline", &m->pipeline) == -1 ||
	    (m->kind == MARK_END && get_text(r, "cut", &m->cut) == -1) ||
	    (m->kind == MARK_BEGIN &&
		get_text(r, "files_by", &m->files_by) == -1) ||
	    get_text(r, "traceparent", &m->traceparent) == -1)
		return -1;
	m->replay = is_true(r, "replay");
	m->lookback = is_true(r, "lookback");
	m->piped = is_true(r, "piped");
	m->printed = is_true(r, "printed");
	if ((m->kind == MARK_BEGIN || m->kind == MARK_RESOLVE ||
		m->kind == MARK_RAW) &&
	    (m->id == NULL || m->id[0] == '\0'))
		return set_mark_error(r, "no id");
	if ((m->kind == MARK_REJECT || m->kind == MARK_FAILED) &&
	    (m->stage == NULL || m->stage[0] == '\0'))
		return set_mark_error(r, "no stage");
	if (get_version(r, m) == -1 || get_files(r, m) == -1)
		return -1;
	if (m->kind == MARK_FAILED)
		return get_text(r, "message", &m->message) == -1 ? -1 :
		    get_exit_code(r, m);
	if (mark_is_boundary(m->kind) && get_seq(r, m) == -1)
		return -1;
	if (m->kind == MARK_CHECKPOINT &&
	    (get_checkpoint(r, m) == -1 ||
		get_validators(r, m) == -1))
		return -1;
	if (m->kind == MARK_RESOLVE && get_resolve(r, m) == -1)
		return -1;
	return m->kind == MARK_REJECT || m->kind == MARK_RAW ? 0 :
	    get_stages(r, m);
}

static int
scan_line(struct reading *r, const char *line, size_t len)
{
	struct json_fault f = { 0 };

	if (json_scan(&r->j, line, len, LEVELS, JSON_UNIQUE, &f) == 0)
		return 0;
	if (f.nomem)
		return err_nomem(r->e);
	return err_set(r->e, ERR_PEER, false, "broken mark (a line with "
	    "\"@etl\"): %s at byte %zu", f.why, f.at);
}

int
mark_parse(struct mark *m, const char *line, size_t len, struct err *e)
{
	struct reading r = { .e = e };
	const struct json_tok *t;
	int rc = -1;

	*m = (struct mark){ 0 };
	if (scan_line(&r, line, len) == -1)
		goto out;
	t = r.j.n > 2 ? &r.j.tok[2] : r.j.tok;
	if (t->type != JSON_STRING || (t->flags & JSON_ESCAPED)) {
		(void)err_set(e, ERR_PEER, false, "broken mark (a line with "
		    "\"@etl\"): the value of \"@etl\" is not a string without "
		    "escapes");
		goto out;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (t->len == strlen(kinds[i].name) + 2 &&
		    memcmp(line + t->at + 1, kinds[i].name, t->len - 2) == 0) {
			m->kind = kinds[i].kind;
			r.kind = kinds[i].name;
		}
	rc = m->kind == MARK_UNKNOWN ? 0 : get_members(&r, m);
out:
	json_release(&r.j);
	if (rc == -1)
		mark_release(m);
	return rc;
}

static const char mark_name[] = "@etl";

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' ||
	    *p == '\n'))
		p++;
	return p;
}

bool
is_mark_line(const char *line, size_t len)
{
	const char *p = line, *end = line + len;

	if (len > 2 && p[0] == '{' && p[1] == '"' && p[2] != '@' &&
	    p[2] != '\\')
		return false;
	p = skip_space(p, end);
	if (p == end || *p++ != '{')
		return false;
	p = skip_space(p, end);
	if (p == end || *p++ != '"')
		return false;
	for (const char *m = mark_name; *m != '\0'; m++) {
		if (end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
			if (text_parse_hex4(p + 2, end) != *m)
				return false;
			p += 6;
		} else if (p == end || *p++ != *m) {
			return false;
		}
	}
	return p < end && *p == '"';
}

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
