#include "transform.h"

#include "base/stop.h"

#include <string.h>

/* Bytes. After an input line that is longer, the read buffer is shrunk as soon
 * as the line has been copied into the shared memory of the workers. */
enum { LARGE = 1 << 20 };

static int
write_reject(struct transform *t, const struct result *r, struct err *e)
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
write_outputs(struct transform *t, const struct result *r, struct err *e)
{
	const char *p = r->text, *end = p + r->text_len;

	for (; p < end; p++) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		if (lf == NULL)
			return err_bug(e, "an output of the filter does not "
			    "end with a line feed");
		if (stage_emit(t->stage, p, (size_t)(lf - p), e) == -1)
			return -1;
		p = lf;
	}
	stage_count_input(t->stage, r->text_len > 0);
	return 0;
}

static int
write_ready_results(struct transform *t, struct err *e)
{
	struct result r;
	int rc;

	while ((rc = pool_take_result(t->pool, &r, e)) == 1) {
		rc = r.code != NULL ? write_reject(t, &r, e) :
		    write_outputs(t, &r, e);
		if (rc == -1)
			return -1;
	}
	return rc;
}

/* Flushes standard output first, so that the reader gets records without
 * delay. Then waits until workers have results or, if input_fd is not -1, it
 * has input. Writes the results that are ready. Fails if a stop was
 * requested. */
static int
wait_for_results(struct transform *t, int input_fd, struct err *e)
{
	struct line l;

	if (stage_flush(t->stage, e) == -1 ||
	    pool_wait(t->pool, input_fd, e) == -1 ||
	    write_ready_results(t, e) == -1)
		return -1;
	/* A signal such as SIGTERM has requested a stop. stage_next() is called
	 * only because it sets *e to this error. */
	return stop_signal() != 0 && stage_next(t->stage, &l, 0, e) ==
	    STAGE_STOP ? -1 : 0;
}

/* Submits the lines that were added so far to the workers. Then waits until the
 * workers have results for all lines, and writes these results. */
static int
finish_results(struct transform *t, struct err *e)
{
	pool_submit(t->pool);
	while (!pool_is_empty(t->pool))
		if (wait_for_results(t, -1, e) == -1)
			return -1;
	return 0;
}

/* Adds a line to a slot. A line that is too long is rejected, after the results
 * of the lines before it were written. */
static int
add_line(struct transform *t, const struct line *l, struct err *e)
{
	if (l->file != t->file) {
		if (finish_results(t, e) == -1)
			return -1;
		t->file = l->file;
	}
	if (!l->too_long) {
		pool_add_line(t->pool, l);
		if (l->len > LARGE)
			stage_shrink(t->stage);
		return 0;
	}
	if (finish_results(t, e) == -1)
		return -1;
	return stage_parse(t->stage, l, &t->json, 0, JSON_UNIQUE, e);
}

/* Called when no input is waiting. Lines are normally given to a worker in
 * blocks (slots). This function gives the last lines to a worker, even if the
 * block is not full, so that slow input is not delayed. Then it waits for
 * results or input and writes the results. */
static int
submit_rest(struct transform *t, struct err *e)
{
	pool_submit(t->pool);
	return wait_for_results(t, pool_may_add_line(t->pool) ? 0 : -1, e);
}

int
transform_run(struct transform *t, struct err *e)
{
	enum stage_item item;
	struct line l;
	int rc = 0;

	while (rc != -1) {
		if (!pool_may_add_line(t->pool)) {
			rc = wait_for_results(t, -1, e);
			continue;
		}
		item = stage_next(
		    t->stage, &l, pool_is_empty(t->pool) ? -1 : 0, e);
		if (item == STAGE_RECORD)
			rc = add_line(t, &l, e);
		else if (item == STAGE_WAIT)
			rc = submit_rest(t, e);
		else if (item == STAGE_MARK)
			rc =
			    finish_results(t, e) == -1
				? -1
				: stage_pass(t->stage, e);
		else if (item == STAGE_END)
			return finish_results(t, e) == -1
			    ? -1
			    : stage_end(t->stage, e);
		else
			return -1;
	}
	return -1;
}
