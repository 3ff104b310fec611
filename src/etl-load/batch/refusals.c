#include "batch/refusals.h"

#include <stdlib.h>
#include <string.h>

void
refusals_init(struct refusals *r)
{
	*r = (struct refusals){ 0 };
	buf_init(&r->texts, SIZE_MAX / 2);
}

void
refusals_release(struct refusals *r)
{
	buf_release(&r->texts);
	free(r->v);
	*r = (struct refusals){ 0 };
}

void
refusals_clear(struct refusals *r)
{
	buf_clear(&r->texts);
	r->n = 0;
	r->unordered = false;
}

/* Copies the text with its NUL and returns the copy's offset. Offset 0 stands
 * for NULL, so the first byte of r->texts is never part of a text. */
static size_t
copy_text(struct refusals *r, const char *text)
{
	size_t at;

	if (text == NULL)
		return 0;
	if (r->texts.len == 0)
		buf_char(&r->texts, '\0');
	at = r->texts.len;
	buf_add(&r->texts, text, strlen(text) + 1);
	return at;
}

static int
make_room_for_one(struct refusals *r, struct err *e)
{
	size_t n = r->room ? r->room * 2 : 64;
	struct refusal *v;

	if (r->n < r->room)
		return 0;
	if ((v = realloc(r->v, n * sizeof(*v))) == NULL)
		return err_nomem(e);
	r->v = v;
	r->room = n;
	return 0;
}

int
refusals_add(struct refusals *r, uint64_t item, const struct reject *why,
    struct err *e)
{
	struct refusal new = { .item = item, .code = why->code };

	if (make_room_for_one(r, e) == -1)
		return -1;
	new.message = copy_text(r, why->message);
	new.pointer = copy_text(r, why->pointer);
	new.sqlstate = copy_text(r, why->sqlstate);
	if (buf_check(&r->texts, e) == -1)
		return -1;
	if (r->n > 0 && r->v[r->n - 1].item > item)
		r->unordered = true;
	r->v[r->n++] = new;
	return 0;
}

static int
compare_items(const void *a, const void *b)
{
	const struct refusal *x = a, *y = b;

	return (x->item > y->item) - (x->item < y->item);
}

void
refusals_sort(struct refusals *r)
{
	if (r->unordered)
		qsort(r->v, r->n, sizeof(*r->v), compare_items);
	r->unordered = false;
}

struct reject
refusals_get(const struct refusals *r, size_t i)
{
	const struct refusal *f = &r->v[i];
	const char *t = r->texts.data;

	return (struct reject){ .code = f->code,
		.message = f->message > 0 ? t + f->message : NULL,
		.pointer = f->pointer > 0 ? t + f->pointer : NULL,
		.sqlstate = f->sqlstate > 0 ? t + f->sqlstate : NULL };
}

const struct refusal *
refusals_find(const struct refusals *r, uint64_t item)
{
	struct refusal key = { .item = item };

	return r->n == 0 ? NULL :
	    bsearch(&key, r->v, r->n, sizeof(*r->v), compare_items);
}
