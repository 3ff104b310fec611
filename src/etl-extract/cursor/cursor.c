#include "cursor/cursor.h"

#include "base/clock.h"
#include "control/control.h"
#include "control/statefile.h"
#include "cursor/cursor_kind.h"
#include "http/url.h"
#include "json/pointer.h"

#include <stdlib.h>
#include <string.h>

enum { ASK_MAX = 64 << 10, MARK_RECORDS = 10000, MARK_MS = 1000 };

struct cursor {
	const struct extract_opts *o;
	char *from;             /* stored, or NULL */
	int64_t version;
	struct kind kind;
	struct buf ask;         /* what is sent; empty: nothing */
	struct buf best;        /* the highest so far; empty: none */
	bool pages;             /* each page is asked for by the value */
	bool ordered;
	bool moved;             /* best has risen since it was asked for */
	bool unmarked;          /* and since the last mark */
	bool edge;              /* a page has begun since it rose */
	bool warned;
	uint64_t page, taken, since_mark, risen;
	int64_t marked_at;
};

void
cursor_close(struct cursor *c)
{
	if (c == NULL)
		return;
	kind_release(&c->kind);
	buf_release(&c->ask);
	buf_release(&c->best);
	free(c->from);
	free(c);
}

unsigned
cursor_levels(const struct extract_opts *o)
{
	return o->checkpoint == NULL ? 0 : pointer_parts(o->cursor_field);
}

static int
stored_db(struct cursor *c, struct err *e)
{
	struct db *db;
	int rc;

	err_note("etl-extract", db_default_note(c->o->db));
	if (control_open(&db, c->o->db, true, e) == -1)
		return -1;
	rc = checkpoint_read(db, c->o->checkpoint, &c->from, &c->version, e);
	db_close(db);
	return rc;
}

static int
stored(struct cursor *c, struct err *e)
{
	const char *path;

	if (c->o->state == NULL)
		return stored_db(c, e);
	if (statefile_parse_option(&path, c->o->state, e) == -1)
		return -1;
	return statefile_read(path, c->o->checkpoint, &c->from, &c->version,
	    e);
}

static int
compare(const struct cursor *c, const char *a, size_t n, const char *b)
{
	return value_compare(c->kind.kind, a, n, b, strlen(b));
}

/* A jump over what has not been read is the user's, but no accident. */
static void
warn_gap(const struct cursor *c)
{
	const char *from = c->from, *since = c->o->since;
	enum value_kind k;

	if (from == NULL || since == NULL)
		return;
	k = value_kind(from, strlen(from));
	if (k != VALUE_TEXT && k == value_kind(since, strlen(since)) &&
	    value_compare(k, since, strlen(since), from, strlen(from)) > 0)
		err_warnf("etl-extract", "--since: %.200s lies past the "
		    "checkpoint: what is between them is not read", since);
}

/* What to ask for: --since, else what is stored, else --start. */
static int
ask_init(struct cursor *c, struct err *e)
{
	const struct extract_opts *o = c->o;
	struct span span;

	if (o->since == NULL && c->from != NULL && o->lookback != NULL) {
		(void)span_parse(&span, o->lookback);
		return value_back(&c->ask, c->from, &span, e);
	}
	if (o->since != NULL || c->from != NULL || o->start != NULL)
		buf_str(&c->ask, o->since != NULL ? o->since :
		    c->from != NULL ? c->from : o->start);
	return buf_check(&c->ask, e);
}

int
cursor_open(struct cursor **to, const struct extract_opts *o, struct err *e)
{
	struct cursor *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->o = o;
	buf_init(&c->ask, ASK_MAX);
	buf_init(&c->best, ASK_MAX);
	c->pages = o->paginate != NULL && strcmp(o->paginate, "since") == 0;
	c->ordered = o->ordered || c->pages;
	c->marked_at = clock_ms();
	if (stored(c, e) == -1 || ask_init(c, e) == -1) {
		cursor_close(c);
		return -1;
	}
	kind_init(&c->kind, o->cursor_field, c->from,
	    o->since != NULL ? o->since : o->start);
	warn_gap(c);
	*to = c;
	return 0;
}

int
cursor_ask(struct cursor *c, struct buf *url, struct err *e)
{
	const struct extract_opts *o = c->o;
	struct buf *since = c->pages && c->best.len > 0 ? &c->best : &c->ask;

	c->moved = false;
	if (since->len > 0)
		query_set(url, o->since_param, strlen(o->since_param),
		    buf_text(since));
	if (o->until != NULL)
		query_set(url, o->until_param, strlen(o->until_param),
		    o->until);
	return buf_check(url, e);
}

bool
cursor_moved(const struct cursor *c)
{
	return c->moved;
}

uint64_t
cursor_risen(const struct cursor *c)
{
	return c->moved ? c->risen : 0;
}

static const char *
show_best(const struct cursor *c, char out[VALUE_SHOWN])
{
	return value_show(out, c->best.data, c->best.len);
}

static int
all_foreign(const struct kind *k, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "the value that is stored or "
	    "given is %s, and %.64s is none in any record: not the same "
	    "cursor", value_kind_name(k->hint), k->field);
}

int
cursor_stuck(const struct cursor *c, const char *page, uint64_t most,
    struct err *e)
{
	char value[VALUE_SHOWN];

	if (c->best.len == 0 && c->kind.foreign > 0)
		return all_foreign(&c->kind, e);
	if (c->best.len == 0)
		return err_set(e, ERR_CONFIG, false, "%s: no record of a "
		    "whole page has a cursor at %.64s: is --cursor-field "
		    "right?", page, c->o->cursor_field);
	if (most > 0)
		return err_set(e, ERR_PEER, true, "%s: a page of the value "
		    "'%.200s' alone, as long as those before: if the service "
		    "gives no more than %llu records, ask for no more with "
		    "--size", page, show_best(c, value),
		    (unsigned long long)most);
	return err_set(e, ERR_CONFIG, false, "%s: a whole page of the value "
	    "'%.200s': ask for more records with --size; or, if they have "
	    "other values, the service does not know the parameter %.64s",
	    page, show_best(c, value), c->o->since_param);
}

static int
mark(struct cursor *c, struct stage *s, struct err *e)
{
	const struct checkpoint_mark m = { .name = c->o->checkpoint,
	    .value = buf_text(&c->best), .from = c->from,
	    .version = (uint64_t)c->version };

	c->unmarked = false;
	c->since_mark = 0;
	c->marked_at = clock_ms();
	return stage_checkpoint(s, &m, e);
}

/* The checkpoint never goes back. */
static bool
past_from(const struct cursor *c)
{
	return c->from == NULL ||
	    compare(c, c->best.data, c->best.len, c->from) > 0;
}

/* The value rises past best: all that have best are before, since the data
 * is ordered. */
static int
mark_due(struct cursor *c, struct stage *s, struct err *e)
{
	if (!c->edge || !c->ordered)
		return 0;
	c->edge = false;
	if ((c->since_mark < MARK_RECORDS &&
	    clock_ms() - c->marked_at < MARK_MS) || !past_from(c))
		return 0;
	return mark(c, s, e);
}

static int
out_of_order(const struct cursor *c, const struct item *it, struct err *e)
{
	const char *from = c->from == NULL ? "" : c->from;
	char best[VALUE_SHOWN], now[VALUE_SHOWN], back[VALUE_SHOWN];

	return err_set(e, ERR_PEER, false, "page %llu, record %llu: %.64s "
	    "goes back from %.200s to %.200s: %s, and go back with "
	    "etl-checkpoint %s %.64s%s%.200s", (unsigned long long)it->page,
	    (unsigned long long)it->index, c->o->cursor_field,
	    show_best(c, best), value_show(now, c->kind.text.data,
	    c->kind.text.len), c->pages ?
	    "--paginate since wants them in order: page by another way" :
	    "leave out --ordered", c->from == NULL ? "clear" : "set",
	    c->o->checkpoint, c->from == NULL ? "" : " ",
	    value_show(back, from, strlen(from)));
}

/* A service that does not know the parameter gives everything each time. */
static void
warn_early(struct cursor *c)
{
	const struct buf *v = &c->kind.text;

	if (c->warned || c->ask.len == 0 || c->kind.kind == VALUE_TEXT ||
	    value_kind(c->ask.data, c->ask.len) != c->kind.kind ||
	    compare(c, v->data, v->len, buf_text(&c->ask)) >= 0)
		return;
	c->warned = true;
	err_warnf("etl-extract", "%s is %.200s in a record, and %s=%.200s was "
	    "asked for: does the service know that parameter?",
	    c->o->cursor_field, buf_text(&c->kind.text), c->o->since_param,
	    buf_text(&c->ask));
}

int
cursor_take(struct cursor *c, struct stage *s, const struct item *it,
    const struct json *j, struct reject *r, struct err *e)
{
	struct buf *v = &c->kind.text;
	int rc = kind_look(&c->kind, j, r, e), order = 1;

	if (rc != 1)
		return rc;
	warn_early(c);
	if (c->best.len > 0)
		order = compare(c, v->data, v->len, buf_text(&c->best));
	if (order < 0 && c->ordered)
		return out_of_order(c, it, e);
	c->edge |= c->taken > 0 && it->page != c->page;
	c->page = it->page;
	if (order > 0) {
		if (c->taken > 0 && mark_due(c, s, e) == -1)
			return -1;
		buf_clear(&c->best);
		buf_add(&c->best, v->data, v->len);
		if (buf_check(&c->best, e) == -1)
			return -1;
		c->moved = c->unmarked = true;
		c->risen = it->index;
	}
	c->taken++;
	c->since_mark++;
	return 1;
}

int
cursor_finish(struct cursor *c, struct stage *s, struct err *e)
{
	const struct kind *k = &c->kind;

	stage_version(s, (uint64_t)c->version);
	if (c->taken == 0 && k->missing > 0 && k->foreign == 0)
		err_warnf("etl-extract", "%.64s is not in any of %llu "
		    "records, all of which are rejected: is --cursor-field "
		    "right?", k->field, (unsigned long long)k->missing);
	if (c->taken == 0 && k->foreign > 0)
		return all_foreign(k, e);
	return c->unmarked && past_from(c) ? mark(c, s, e) : 0;
}
