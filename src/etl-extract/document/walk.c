#include "document/walk_impl.h"

#include "document/value_end.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

/* Splits --records and the wanted pointers into their parts. path[0] is for
 * --records; without this option no value uses path[0]. */
static int
parse_paths(struct walk *w, struct err *e)
{
	const struct walk_conf *c = w->conf;

	w->n_paths = 1;
	if (c->records != NULL && !walk_path_split(&w->path[0], c->records))
		return err_nomem(e);
	for (unsigned i = 0; i < WALK_WANTED && c->wanted[i] != NULL; i++)
		if (!walk_path_split(&w->path[w->n_paths++], c->wanted[i]))
			return err_nomem(e);
	return 0;
}

int
walk_open(struct walk *w, const struct walk_conf *c, struct err *e)
{
	w->conf = c;
	buf_init(&w->name, WALK_NAME_MAX);
	buf_init(&w->array_name, WALK_NAME_MAX);
	buf_init(&w->outline, WALK_OUTLINE_MAX);
	w->path = calloc(WALK_WANTED + 1, sizeof(*w->path));
	return w->path == NULL ? err_nomem(e) : parse_paths(w, e);
}

void
walk_release(struct walk *w)
{
	for (unsigned i = 0; w->path != NULL && i <= WALK_WANTED; i++)
		walk_path_release(&w->path[i]);
	free(w->path);
	buf_release(&w->name);
	buf_release(&w->array_name);
	buf_release(&w->outline);
}

void
walk_restart(struct walk *w)
{
	w->depth = 0;
	w->expected = TOP_VALUE;
	w->has_value = w->found = false;
	w->fault.kind = WALK_NO_FAULT;
	buf_clear(&w->outline);
	w->records_at = 0;
}

/* Returns the use of the value that starts with c. Fails if no value can start
 * with c. */
static enum walk_use
start_value(struct walk *w, char c)
{
	if (!value_may_start(c))
		return walk_fail(w, WALK_NOT_JSON, "expected a value");
	return walk_choose_use(w, c);
}

/* Called after a value. */
static bool
expect_next(struct walk *w)
{
	struct walk_frame *f = innermost(w);

	if (f != NULL) {
		f->index++;
		w->expected = COMMA_OR_END;
		return true;
	}
	w->expected = w->conf->is_answer ? NOTHING : TOP_VALUE;
	return w->found || walk_fail(w, WALK_NO_ARRAY, NULL) != WALK_BROKEN;
}

static enum walk_use
close_container(struct walk *w, char c)
{
	if (w->conf->is_answer)
		buf_char(&w->outline, c);
	w->depth--;
	return expect_next(w) ? walk_check_outline(w, WALK_TAKEN) : WALK_BROKEN;
}

/* Reads the comma after a value, or the bracket that closes the array or
 * object. */
static enum walk_use
read_separator(struct walk *w, char c)
{
	const struct walk_frame *f = innermost(w);

	if (c == f->close)
		return close_container(w, c);
	if (c != ',')
		return walk_fail(
		    w, WALK_NOT_JSON, "expected a comma or the end");
	w->expected = f->close == '}' ? NAME : VALUE;
	return WALK_TAKEN;
}

enum walk_use
walk_read_byte(struct walk *w, char c)
{
	switch ((enum expected)w->expected) {
	case VALUE_OR_END:
	case NAME_OR_END:
		if (c == innermost(w)->close)
			return close_container(w, c);
		if (w->expected == VALUE_OR_END)
			return start_value(w, c);
		/* FALLTHROUGH */
	case NAME:
		return c == '"' ? WALK_NAME :
		    walk_fail(w, WALK_NOT_JSON, "expected a member name");
	case COLON:
		w->expected = VALUE;
		return c == ':' ? WALK_TAKEN :
		    walk_fail(w, WALK_NOT_JSON, "expected a colon");
	case COMMA_OR_END:
		return read_separator(w, c);
	case NOTHING:
		return walk_fail(
		    w, WALK_NOT_JSON, "expected the end of the text");
	default:
		return start_value(w, c);
	}
}

/* Called at the end of a member name. Finds out which paths lead through this
 * member. Stores the name. */
static bool
end_name(struct walk *w, const char *p, size_t n)
{
	struct walk_frame *f = innermost(w);
	struct json j = { 0 };
	struct json_fault fault = { 0 };
	struct buf plain;

	w->expected = COLON;
	buf_clear(&w->name);
	buf_add(&w->name, p, n);
	f->child = 0;
	if (w->name.failed)
		return walk_fail(w, w->name.full ? WALK_LONG_NAME :
		    WALK_NO_MEMORY, NULL) != WALK_BROKEN;
	if (f->paths == 0)
		return true;
	if (memchr(p, '\\', n) == NULL) {
		f->child = walk_find_paths(w, p + 1, n - 2);
		return true;
	}
	buf_init(&plain, WALK_NAME_MAX);
	if (json_scan(&j, p, n, 1, JSON_LAST, &fault) == 0) {
		json_unescape(&plain, &j, 0);
		f->child = plain.failed ? 0 :
		    walk_find_paths(w,
		    plain.data == NULL ? "" : plain.data, plain.len);
	}
	fault.nomem |= plain.failed;
	json_release(&j);
	buf_release(&plain);
	return !fault.nomem ||
	    walk_fail(w, WALK_NO_MEMORY, NULL) != WALK_BROKEN;
}

/* Appends the value to the outline. Returns false if the value is not JSON or
 * the outline is full. */
static bool
keep_value(struct walk *w, const char *p, size_t n)
{
	struct json j = { 0 };
	struct json_fault fault = { 0 };
	int rc = json_scan(&j, p, n, 0, JSON_LAST, &fault);

	json_release(&j);
	if (rc == -1) {
		(void)walk_fail(w, fault.nomem ? WALK_NO_MEMORY : WALK_NOT_JSON,
		    fault.why);
		w->fault.at = fault.at;
		return false;
	}
	walk_put_part(w, p, n);
	return walk_check_outline(w, WALK_KEEP) !=
	    WALK_BROKEN && expect_next(w);
}

bool
walk_end(struct walk *w, enum walk_use use, const char *p, size_t n)
{
	const struct walk_frame *f = innermost(w);

	switch (use) {
	case WALK_NAME:
		return end_name(w, p, n);
	case WALK_KEEP:
		return keep_value(w, p, n);
	case WALK_NULL:
		if (n != 4 || memcmp(p, "null", 4) != 0)
			return walk_fail(w, WALK_NOT_JSON, "unknown word") !=
			    WALK_BROKEN;
		w->found = true;
		return keep_value(w, p, n);
	case WALK_SKIP:
		if (f != NULL && f->close == ']')
			walk_put_part(w, "null", 4);
		return walk_check_outline(w, use) !=
		    WALK_BROKEN && expect_next(w);
	default:
		return expect_next(w);
	}
}

bool
walk_is_at_top(const struct walk *w)
{
	return w->depth == 0;
}

bool
walk_finish(struct walk *w)
{
	if (w->depth == 0 && (w->has_value || !w->conf->is_answer))
		return true;
	return walk_fail(w, w->depth == 0 ? WALK_EMPTY : WALK_CUT, NULL) !=
	    WALK_BROKEN;
}
