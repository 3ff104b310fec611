#include "document/walk_impl.h"

#include <inttypes.h>
#include <stdio.h>

enum walk_use
walk_fail(struct walk *w, enum walk_fault_kind kind, const char *why)
{
	w->fault = (struct walk_fault){ .kind = kind, .why = why };
	return WALK_BROKEN;
}

uint32_t
walk_find_paths(struct walk *w, const char *name, size_t n)
{
	const struct walk_frame *f = innermost(w);
	const unsigned k = w->depth - 1;
	uint32_t child = 0;

	for (unsigned i = 0; i < w->n_paths; i++) {
		const struct walk_path *p = &w->path[i];

		if ((f->paths >> i & 1) != 0 &&
		    walk_path_has_name(p, k, name, n))
			child |= UINT32_C(1) << i;
	}
	return child;
}

/* Returns the paths that lead to the value that starts now. */
static uint32_t
find_paths_here(struct walk *w)
{
	struct walk_frame *f = innermost(w);
	char index[24];
	int n;

	if (f == NULL)
		return ((UINT32_C(1) << w->n_paths) - 1) &
		    ~(uint32_t)(w->conf->records == NULL ? WALK_RECORDS : 0);
	if (f->close == ']' && f->paths != 0) {
		n = snprintf(index, sizeof(index), "%" PRIu64, f->index);
		f->child = walk_find_paths(w, index, (size_t)n);
	}
	return f->child;
}

/* Returns those of `paths` that lead further into the value that starts now. */
static uint32_t
get_deeper_paths(const struct walk *w, uint32_t paths)
{
	uint32_t below = 0;

	for (unsigned i = 0; i < w->n_paths; i++)
		if ((paths >> i & 1) != 0 && w->path[i].n > w->depth)
			below |= UINT32_C(1) << i;
	return below;
}

void
walk_put_part(struct walk *w, const char *p, size_t n)
{
	struct walk_frame *f = innermost(w);

	if (!w->conf->is_answer)
		return;
	if (f != NULL && f->has_part)
		buf_char(&w->outline, ',');
	if (f != NULL && f->close == '}') {
		buf_add(&w->outline, w->name.data, w->name.len);
		buf_char(&w->outline, ':');
	}
	if (f != NULL)
		f->has_part = true;
	buf_add(&w->outline, p, n);
}

enum walk_use
walk_check_outline(struct walk *w, enum walk_use use)
{
	if (!w->outline.failed)
		return use;
	return walk_fail(
	    w, w->outline.full ? WALK_TOO_LARGE : WALK_NO_MEMORY, NULL);
}

static enum walk_use
enter_container(struct walk *w, char c, uint32_t paths)
{
	walk_put_part(w, &c, 1);
	if (w->depth == JSON_DEPTH_MAX)
		return walk_fail(w, WALK_NOT_JSON, "nested deeper than 256");
	w->frame[w->depth++] = (struct walk_frame){
	    .close = c == '{' ? '}' : ']', .paths = paths };
	w->expected = c == '{' ? NAME_OR_END : VALUE_OR_END;
	return walk_check_outline(w, WALK_TAKEN);
}

/* Enters the array of the records. Fails if records were found before, or if a
 * wanted value is inside this array. */
static enum walk_use
enter_records(struct walk *w, uint32_t paths)
{
	if (w->found)
		return walk_fail(w, WALK_RECORDS_TWICE, NULL);
	for (unsigned i = 0; i < w->n_paths; i++)
		if ((paths >> i & 1) != 0 &&
		    walk_path_has_index(&w->path[i], w->depth))
			return walk_fail(w, WALK_INSIDE, NULL);
	w->found = true;
	if (enter_container(w, '[', 0) == WALK_BROKEN)
		return WALK_BROKEN;
	innermost(w)->is_records = true;
	w->records_at = w->outline.len;
	return WALK_TAKEN;
}

/* Returns the use of a value at the place of --records, which starts with c. */
static enum walk_use
choose_at_records(struct walk *w, char c, uint32_t paths)
{
	if (c == '[')
		return enter_records(w, paths);
	if (w->found)
		return walk_fail(w, WALK_RECORDS_TWICE, NULL);
	if (c == 'n')
		return WALK_NULL;
	if (w->conf->is_answer)
		return walk_fail(w, WALK_NO_ARRAY, NULL);
	w->found = true;
	return WALK_RECORD;
}

/* Called for an array member of an answer if --records is not given. The first
 * array member has the records; a second one is an error. */
static enum walk_use
enter_first_array(struct walk *w, uint32_t paths)
{
	if (w->found)
		return walk_fail(w, WALK_TWO_ARRAYS, NULL);
	buf_clear(&w->array_name);
	buf_add(&w->array_name, w->name.data, w->name.len);
	if (w->array_name.failed)
		return walk_fail(w, WALK_NO_MEMORY, NULL);
	return enter_records(w, paths);
}

/* Returns the use of a top-level value that starts with c, if --records is not
 * given. */
static enum walk_use
choose_at_top(struct walk *w, char c, uint32_t paths)
{
	if (c == '[')
		return enter_records(w, paths);
	if (!w->conf->is_answer) {
		w->found = true;
		return WALK_RECORD;
	}
	if (c != '{')
		return walk_fail(w, WALK_NO_ARRAY, NULL);
	if (enter_container(w, c, paths) == WALK_BROKEN)
		return WALK_BROKEN;
	innermost(w)->finds_array = true;
	return WALK_TAKEN;
}

enum walk_use
walk_choose_use(struct walk *w, char c)
{
	const struct walk_frame *f = innermost(w);
	uint32_t paths, below;

	if (f != NULL && f->is_records)
		return WALK_RECORD;
	paths = find_paths_here(w);
	below = get_deeper_paths(w, paths);
	if (f == NULL)
		w->found = false;
	w->has_value = true;
	if (f == NULL && w->conf->records == NULL)
		return choose_at_top(w, c, paths);
	if (f != NULL && f->finds_array && c == '[')
		return enter_first_array(w, paths);
	if ((paths & ~below & WALK_RECORDS) != 0)
		return choose_at_records(w, c, paths);
	if (below != 0 && (c == '{' || c == '['))
		return enter_container(w, c, paths);
	return (paths & ~below) != 0 ? WALK_KEEP : WALK_SKIP;
}
