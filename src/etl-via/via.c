#include "via.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "base/wait.h"
#include "child.h"

#include <string.h>
#include <unistd.h>

enum {
	FEED = 64 << 10,        /* records for CMD are taken up to here */
	TURN = 256,             /* lines in a row from one side */
	LARGE = 1 << 20,
	FIRST_SHOWN = 80,       /* bytes, of 6 characters each at most */
	GRACE_MS = 2000         /* for CMD to end, once it takes no input */
};

struct via {
	struct stage *stage;
	const struct via_opts *o;
	struct child child;
	struct json json;
	struct buf feed;        /* for CMD; the first fed bytes it has */
	size_t fed;
	uint64_t in, out;       /* of this CMD: lines given, lines taken */
	bool begun;             /* a begin mark has come */
	bool ran;               /* CMD, at least once */
	bool last;              /* nothing more for this CMD */
	int64_t late;           /* 0, or when a CMD that reads no more is */
};

static int
cmd_start(struct via *v, struct err *e)
{
	v->in = v->out = 0;
	v->last = false;
	v->late = 0;
	v->ran = true;
	return child_start(&v->child, v->o->argv, v->o->max_record, e);
}

/* Where the first line is no JSON, none will be: an object over many lines, or
 * a table. Its records would become rejects that nobody can put together. */
static int
first_line(const struct via *v, const struct line *l, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	struct buf shown;
	int rc = json_scan(&j, l->data, l->len, 0, JSON_LAST, &f);

	json_release(&j);
	if (rc == 0 || f.nomem || strcmp(f.code, "parse") != 0)
		return f.nomem ? err_nomem(e) : 0;
	buf_init(&shown, LARGE);
	text_show(&shown, l->data, l->len < FIRST_SHOWN ? l->len :
	    FIRST_SHOWN);
	rc = err_set(e, ERR_REFUSED, false, "%s: its output does not begin "
	    "with one JSON object on a line, as jq -c and mlr --ojsonl write "
	    "it: %s", v->child.name, buf_text(&shown));
	buf_release(&shown);
	return rc;
}

/* A line of CMD. */
static int
put_line(struct via *v, const struct line *l, struct err *e)
{
	if (is_mark_line(l->data, l->len))
		return err_set(e, ERR_PEER, false, "%s: line %llu of its "
		    "output begins with the member @etl, as only marks may",
		    v->child.name, (unsigned long long)l->number);
	if (l->too_long)
		return err_set(e, ERR_REFUSED, false, "%s: line %llu of its "
		    "output has %llu bytes, more than --max-record",
		    v->child.name, (unsigned long long)l->number,
		    (unsigned long long)l->bytes);
	if (v->out == 0 && v->begun && first_line(v, l, e) == -1)
		return -1;
	v->out++;
	return stage_emit(v->stage, l->data, l->len, e);
}

static int
take_output(struct via *v, bool *busy, struct err *e)
{
	struct line l;

	for (int i = 0; i < TURN && v->child.out != -1; i++) {
		switch (lines_next(v->child.lines, &l, 0, e)) {
		case LINES_ONE:
			if (put_line(v, &l, e) == -1)
				return -1;
			*busy = true;
			break;
		case LINES_END:
			child_close_out(&v->child);
			*busy = true;
			break;
		case LINES_FAILED:
			err_prefix(e, "%s", v->child.name);
			return -1;
		default:
			return 0;
		}
	}
	return 0;
}

static int
give_input(struct via *v, bool *busy, struct err *e)
{
	struct child *c = &v->child;
	size_t left = v->feed.len - v->fed, n;

	if (c->in == -1)
		return 0;
	if (left == 0) {
		*busy |= v->last;
		return v->last ? child_close_in(c, e) : 0;
	}
	n = child_write(c, v->feed.data + v->fed, left);
	*busy |= n > 0 || c->closed;
	v->fed += n;
	if (v->fed < v->feed.len)
		return 0;
	v->fed = 0;
	if (v->feed.cap > LARGE)
		buf_release(&v->feed);
	buf_clear(&v->feed);
	return 0;
}

static int
stopped(struct via *v, struct err *e)
{
	struct line l;

	return stage_next(v->stage, &l, 0, e) == STAGE_STOP ? -1 : 0;
}

/* One turn of what goes into CMD and comes out of it. */
static int
turn(struct via *v, bool *busy, struct err *e)
{
	struct child *c = &v->child;

	if (stop_signal() != 0)
		return stopped(v, e);
	if (c->pid == 0)
		return 0;
	if (take_output(v, busy, e) == -1 || give_input(v, busy, e) == -1)
		return -1;
	if (!child_look(c) || v->last || c->closed)
		return 0;
	/* It went first: it may have read all that there will be. */
	return child_judge(c, v->o->ok, e);
}

/* Nothing is kept back while we wait. */
static int
wait_any(struct via *v, int input, struct err *e)
{
	const struct child *c = &v->child;
	struct pollfd fds[] = {
		{ .fd = input, .events = POLLIN },
		{ .fd = v->feed.len > 0 ? c->in : -1, .events = POLLOUT },
		{ .fd = c->out, .events = POLLIN },
		{ .fd = c->ended ? -1 : c->pidfd, .events = POLLIN }
	};
	int timeout = -1;

	if (stage_flush(v->stage, e) == -1)
		return -1;
	if (v->late != 0) {
		int64_t left = v->late - clock_ms();

		timeout = left > 0 ? (int)left : 0;
	}
	if (wait_fds(fds, sizeof(fds) / sizeof(fds[0]), timeout) != -1)
		return 0;
	return stopped(v, e);
}

/* All that CMD is to have it has: the rest of its output, and how it ends. */
static int
cmd_end(struct via *v, struct err *e)
{
	struct child *c = &v->child;
	bool busy;

	v->last = true;
	while (!child_look(c)) {
		busy = false;
		if (turn(v, &busy, e) == -1)
			return -1;
		if (c->closed && v->late == 0)
			v->late = clock_ms() + GRACE_MS;
		if (v->late != 0 && clock_ms() >= v->late)
			break;
		if (!busy && !child_look(c) && wait_any(v, -1, e) == -1)
			return -1;
	}
	if (child_judge(c, v->o->ok, e) == -1)
		return -1;
	child_release(c);
	if (v->in > v->out)
		stage_undo_passed(v->stage, v->in - v->out);
	return 0;
}

static int
take_record(struct via *v, const struct line *l, struct err *e)
{
	bool judged = v->o->plain || stage_stream(v->stage) != NULL;
	int ok = 1;

	if (judged || l->too_long)
		ok = stage_read_record(v->stage, l, &v->json, JSON_LEVELS_ALL,
		    v->o->dup, e);
	if (ok != 1)
		return ok;
	if (v->child.pid == 0 && cmd_start(v, e) == -1)
		return -1;
	buf_add(&v->feed, l->data, l->len);
	buf_char(&v->feed, '\n');
	if (buf_check(&v->feed, e) == -1)
		return -1;
	if (l->len > LARGE)
		stage_trim(v->stage);
	v->in++;
	stage_done(v->stage, true);
	return 0;
}

/* In a replay each letter has a CMD of its own, since nothing else tells
 * which of the output comes of it. */
static int
take_begin(struct via *v, struct err *e)
{
	v->begun = true;
	if (stage_pass_mark(v->stage, e) == -1)
		return -1;
	return stage_stream(v->stage)->replay ? 0 : cmd_start(v, e);
}

static int
take_mark(struct via *v, struct err *e)
{
	switch (stage_mark(v->stage)->kind) {
	case MARK_BEGIN:
		return take_begin(v, e);
	case MARK_CHECKPOINT:
		return stage_hold_checkpoint(v->stage, e);
	case MARK_RESOLVE:
	case MARK_END:
		if (v->child.pid != 0 && cmd_end(v, e) == -1)
			return -1;
		break;
	case MARK_FAILED:
		child_stop(&v->child);
		break;
	default:
		break;
	}
	return stage_pass_mark(v->stage, e);
}

/* The input is over. A marked stream without end is cut: CMD's word counts no
 * more. */
static int
take_end(struct via *v, struct err *e)
{
	bool empty = stage_stream(v->stage) == NULL && stage_in_run();

	if (!v->begun && !empty) {
		if (!v->ran && cmd_start(v, e) == -1)
			return -1;
		if (v->child.pid != 0 && cmd_end(v, e) == -1)
			return -1;
	}
	return stage_finish(v->stage, e);
}

/* Input as long as CMD takes it: 1 to go on, 0 at the end. */
static int
take_input(struct via *v, bool *busy, struct err *e)
{
	struct line l;
	int rc = 1;

	for (int i = 0; i < TURN && rc == 1 && v->feed.len < FEED; i++) {
		switch (stage_next(v->stage, &l, 0, e)) {
		case STAGE_RECORD:
			rc = take_record(v, &l, e) == -1 ? -1 : 1;
			break;
		case STAGE_MARK:
			rc = take_mark(v, e) == -1 ? -1 : 1;
			break;
		case STAGE_WAIT:
			return 1;
		case STAGE_END:
			return take_end(v, e);
		default:
			return -1;
		}
		*busy = true;
	}
	return rc;
}

static int
loop(struct via *v, struct err *e)
{
	int rc = 1;

	while (rc == 1) {
		bool busy = false;

		if (turn(v, &busy, e) == -1)
			return -1;
		if (v->child.closed)
			return cmd_end(v, e);
		rc = take_input(v, &busy, e);
		if (rc == 1 && !busy && wait_any(v, v->feed.len < FEED ?
		    STDIN_FILENO : -1, e) == -1)
			return -1;
	}
	return rc;
}

int
via_run(struct stage *s, const struct via_opts *o, struct err *e)
{
	struct via v = { .stage = s, .o = o };
	int rc;

	child_init(&v.child);
	buf_init(&v.feed, o->max_record + FEED + 1);
	rc = loop(&v, e);
	child_stop(&v.child);
	buf_release(&v.feed);
	json_release(&v.json);
	return rc;
}
