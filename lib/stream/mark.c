#include "mark.h"

#include "json/number.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
