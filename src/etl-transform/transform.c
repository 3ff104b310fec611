#include "transform.h"

#include "base/stop.h"

#include <string.h>

enum { LARGE = 1 << 20 };       /* a line that is not held twice */

static int
put_reject(struct transform *t, const struct result *r, struct err *e)
{
	const struct line line = {
		.data = r->line, .len = r->line_len, .bytes = r->line_len,
		.file = t->file, .number = r->number, .offset = r->offset
	};
	struct reject why = {
		.code = r->code, .message = r->message,
		.pointer = *r->pointer != '\0' ? r->pointer : NULL
	};

	return stage_reject(t->stage, &line, &why, e);
}

static int
put_outputs(struct transform *t, const struct result *r, struct err *e)
{
	const char *p = r->text, *end = p + r->text_len;

	for (; p < end; p++) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		if (lf == NULL)
			return err_set(e, ERR_BUG, false, "output without LF");
		if (stage_emit(t->stage, p, (size_t)(lf - p), e) == -1)
			return -1;
		p = lf;
	}
	stage_done(t->stage, r->text_len > 0);
	return 0;
}

static int
put_results(struct transform *t, struct err *e)
{
	struct result r;

	while (pool_next(t->pool, &r)) {
		int rc = r.code != NULL ? put_reject(t, &r, e) :
		    put_outputs(t, &r, e);

		if (rc == -1)
			return -1;
	}
	return 0;
}

/* Nothing is kept back while we wait. */
static int
wait_results(struct transform *t, int fd, struct err *e)
{
	if (stage_flush(t->stage, e) == -1 ||
	    pool_wait(t->pool, fd, e) == -1)
		return -1;
	return put_results(t, e);
}

static int
drain(struct transform *t, struct err *e)
{
	struct line l;

	pool_submit(t->pool);
	while (!pool_idle(t->pool)) {
		if (stop_signal() != 0)         /* tells why */
			return stage_next(t->stage, &l, 0, e) == STAGE_STOP ?
			    -1 : 0;
		if (wait_results(t, -1, e) == -1)
			return -1;
	}
	return 0;
}

static int
take_record(struct transform *t, const struct line *l, struct err *e)
{
	if (l->file != t->file) {
		if (drain(t, e) == -1)
			return -1;
		t->file = l->file;
	}
	if (!l->too_long) {
		pool_add(t->pool, l);
		if (l->len > LARGE)
			stage_trim(t->stage);
		return 0;
	}
	if (drain(t, e) == -1)
		return -1;
	return stage_read_record(t->stage, l, &t->json, 0, JSON_UNIQUE, e);
}

/* Without more input what has come is worked on at once. */
static int
take_wait(struct transform *t, struct err *e)
{
	pool_submit(t->pool);
	return wait_results(t, pool_room(t->pool) ? 0 : -1, e);
}

int
transform_run(struct transform *t, struct err *e)
{
	enum stage_item item;
	struct line l;
	int rc = 0;

	while (rc != -1) {
		if (!pool_room(t->pool)) {
			rc = wait_results(t, -1, e);
			continue;
		}
		item = stage_next(t->stage, &l, pool_idle(t->pool) ? -1 : 0, e);
		if (item == STAGE_RECORD)
			rc = take_record(t, &l, e);
		else if (item == STAGE_WAIT)
			rc = take_wait(t, e);
		else if (item == STAGE_MARK)
			rc = drain(t, e) == -1 ? -1
					       : stage_pass_mark(t->stage, e);
		else if (item == STAGE_END)
			return drain(t, e) == -1 ? -1 :
			    stage_finish(t->stage, e);
		else
			return -1;
	}
	return -1;
}
