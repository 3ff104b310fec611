#include "batch/batch.h"

#include "base/clock.h"

#include <stdlib.h>

/* A batch is full if it uses LARGE bytes. A buffer of more than KEPT bytes is
 * freed after the batch. */
enum { LARGE = 16 << 20, KEPT = 1 << 20, FIRST_RECORDS = 64 };

void
batch_init(struct batch *b)
{
	*b = (struct batch){ 0 };
	buf_init(&b->lines, SIZE_MAX / 4);
	buf_init(&b->ids, SIZE_MAX / 4);
}

void
batch_release(struct batch *b)
{
	buf_release(&b->lines);
	buf_release(&b->ids);
	free(b->v);
	b->v = NULL;
	b->n = b->cap = 0;
}

void
batch_clear(struct batch *b)
{
	if (b->lines.cap > KEPT)
		buf_release(&b->lines);
	buf_clear(&b->lines);
	buf_clear(&b->ids);
	b->n = b->id_bytes = 0;
}

static int
make_batch_room(struct batch *b, struct err *e)
{
	size_t cap = b->cap == 0 ? FIRST_RECORDS : 2 * b->cap;
	struct batch_record *v;

	if (b->n < b->cap)
		return 0;
	if ((v = realloc(b->v, cap * sizeof(*v))) == NULL)
		return err_nomem(e);
	b->v = v;
	b->cap = cap;
	return 0;
}

int
batch_add(struct batch *b, const struct line *l, struct batch_record **added,
    struct err *e)
{
	struct batch_record *r;

	if (make_batch_room(b, e) == -1)
		return -1;
	r = &b->v[b->n];
	*r = (struct batch_record){ .line = *l, .at = b->lines.len };
	buf_add(&b->lines, l->data, l->len);
	if (buf_check(&b->lines, e) == -1)
		return -1;
	if (b->n++ == 0)
		b->since = clock_ms();
	*added = r;
	return 0;
}

int
batch_set_id(struct batch *b, const struct buf *id, bool is_string,
    size_t id_bytes, struct err *e)
{
	struct batch_record *r = &b->v[b->n - 1];

	r->id_at = b->ids.len;
	buf_add(&b->ids, id->data, id->len);
	r->id_len = id->len;
	r->id_is_string = is_string;
	b->id_bytes += id_bytes + 1;
	return buf_check(&b->ids, e);
}

bool
batch_is_large(const struct batch *b)
{
	return b->lines.len + b->ids.len + b->n * sizeof(b->v[0]) >= LARGE;
}

struct line
batch_line(const struct batch *b, const struct batch_record *r)
{
	struct line l = r->line;

	l.data = l.len == 0 ? "" : b->lines.data + r->at;
	return l;
}
