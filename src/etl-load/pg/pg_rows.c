#include "pg/pg_rows.h"

#include "base/stop.h"
#include "pg/pg_change_values.h"
#include "pg/pg_copy_binary.h"
#include "pg/pg_fault.h"
#include "pg/pg_copy_text.h"
#include "pg/pg_unchanged.h"

#include <stdlib.h>
#include <string.h>

enum { SIGNAL_EVERY = 256 };    /* rows between two checks for a signal */

void
pg_rows_init(struct pg_rows *r, struct db *db, const struct target *t)
{
	*r = (struct pg_rows){ .db = db, .target = t };
	key_order_init(&r->order, t);
	buf_init(&r->text, SIZE_MAX / 2);
	buf_init(&r->scratch, SIZE_MAX / 2);
	buf_init(&r->out, SIZE_MAX / 2);
	buf_init(&r->sql, SIZE_MAX / 2);
}

void
pg_rows_release(struct pg_rows *r)
{
	buf_release(&r->text);
	buf_release(&r->scratch);
	buf_release(&r->out);
	buf_release(&r->sql);
	key_order_release(&r->order);
	free(r->v);
	free(r->used);
}

static void
put_row_as_text(struct pg_rows *r, struct reader *rd)
{
	if (r->target->mode->changes)
		pg_put_change_values(&r->text, rd, &r->scratch);
	if (r->target->mode->history)
		buf_printf(&r->text, "%s\t",
		    rd->as_of[0] == '\0' ? "\\N" : rd->as_of);
	pg_put_copy_values(&r->text, rd, rd->shape, &r->scratch);
}

static int
add_row_of_record(
    struct pg_rows *r, struct reader *rd, size_t item, struct err *e)
{
	size_t at = r->text.len, n = r->room ? r->room * 2 : 1024;
	struct pg_row *v;

	if (r->n == r->room) {
		if ((v = realloc(r->v, n * sizeof(*v))) == NULL)
			return err_nomem(e);
		r->v = v;
		r->room = n;
	}
	if (r->binary && !pg_put_binary_values(&r->text, rd, rd->shape)) {
		r->binary = false;
		r->some_need_text = true;
	}
	if (!r->binary)
		put_row_as_text(r, rd);
	if (buf_check(&r->text, e) == -1 ||
	    key_order_add(&r->order, rd, e) == -1)
		return -1;
	r->v[r->n++] = (struct pg_row){ .at = at, .len = r->text.len - at,
		.item = (uint32_t)item, .shape = (uint32_t)rd->shape->id,
		.binary = r->binary, .moves = rd->change.moves,
		.operation = rd->change.operation };
	return 0;
}

void
pg_rows_select(struct pg_rows *r, size_t from, size_t to)
{
	r->from = from;
	r->to = to;
	if (r->nshapes > 0)
		memset(r->used, 0, r->nshapes * sizeof(*r->used));
	for (size_t i = from; i < to; i++)
		if (!r->v[i].done)
			r->used[r->v[i].shape] = true;
}

/* Also takes the list of shapes from the reader. */
static int
select_all_rows(struct pg_rows *r, struct reader *rd, struct err *e)
{
	r->shapes = rd->shapes;
	r->nshapes = rd->nshapes;
	if (r->nshapes > r->used_room) {
		free(r->used);
		r->used_room = r->nshapes * 2;
		r->used = calloc(r->used_room, sizeof(*r->used));
		if (r->used == NULL) {
			r->used_room = 0;
			return err_nomem(e);
		}
	}
	pg_rows_select(r, 0, r->n);
	return 0;
}

/* Called after each row was made. If the row has the same shape (set of
 * columns) as the first row of the chunk, sends the row at once, so that the
 * server works on it while the loader makes the next row. */
static int
copy_last_row(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	const struct pg_row *row = &r->v[r->n - 1];
	int rc = 0;

	if (r->first == NULL && (staged || s->n > 0)) {
		r->first = s;
		rc = pg_copy_start(r, s, staged, row->binary, e);
	}
	if (rc == 0 && s == r->first && !r->failed)
		rc = pg_copy_row(r, s, row, staged, e);
	if (rc == 0)
		return 0;
	r->failed = pg_may_blame_record(db_fault(r->db), r->judge_all);
	return r->failed ? 0 : -1;
}

/* Makes a row for COPY from record number i of the chunk (the part of the batch
 * that is in memory), or rejects the record. Returns 1: the row was made; 0:
 * the record was rejected, or is a tombstone; -1 with *e. */
static int
make_row(struct pg_rows *r, struct outcome *o, size_t i, struct err *e)
{
	struct line l = spool_get_line(o->chunk, i);
	struct reject why;
	int rc = reader_read(&o->reader, &l, &why, e), ending;

	if (rc == 1)
		rc = pg_reject_changed(&o->reader, o->reader.shape, &r->scratch,
		    &why, e);
	if (rc == 1 && o->reader.change.moves)
		rc = pg_reject_old_key(&o->reader, &r->scratch, &why, e);
	o->sums.in++;
	o->sums.skipped += rc == 2;
	if (rc == 1 && o->ending.n > 0 &&
	    (ending = outcome_reject_noted(o, i, e)) != 0)
		return ending == 1 ? 0 : -1;
	if (rc == 1)
		return add_row_of_record(r, &o->reader, i, e) == -1 ? -1 : 1;
	if (rc == 0)
		return outcome_add_reject(o, i, &why, e);
	return rc == 2 ? 0 : -1;
}

bool
pg_may_be_binary(const struct target *t, bool staged)
{
	return !t->mode->changes && !t->mode->history &&
	    (staged || (t->touch == NO_COLUMN && t->seen == NO_COLUMN));
}

enum copies { COPY_NONE, COPY_TO_STAGE, COPY_TO_TABLE };

/* Makes the rows of the chunk. Also copies the rows of the first shape, unless
 * `copies` is COPY_NONE. */
static int
make_rows(struct pg_rows *r, struct outcome *o, enum copies copies,
    struct err *e)
{
	int rc;

	buf_clear(&r->text);
	r->n = 0;
	r->copied = 0;
	r->first = NULL;
	r->failed = false;
	r->judge_all = o->judge_all;
	r->binary = !r->some_need_text &&
	    pg_may_be_binary(r->target, copies != COPY_TO_TABLE);
	key_order_restart(&r->order);
	for (size_t i = 0; i < o->chunk->n; i++) {
		if (i % SIGNAL_EVERY == 0 && stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		if (!outcome_has_record(o, i))
			continue;
		rc = make_row(r, o, i, e);
		if (rc == 1 && copies != COPY_NONE)
			rc = copy_last_row(r, o->reader.shape,
			    copies == COPY_TO_STAGE, e);
		if (rc == -1)
			return -1;
	}
	if (r->first != NULL && !r->failed && pg_copy_finish(r, e) == -1) {
		if (!pg_may_blame_record(db_fault(r->db), r->judge_all))
			return -1;
		r->failed = true;
	}
	return select_all_rows(r, &o->reader, e);
}

int
pg_rows_copy(struct pg_rows *r, struct outcome *o, bool staged, struct err *e)
{
	return make_rows(r, o, staged ? COPY_TO_STAGE : COPY_TO_TABLE, e);
}

int
pg_rows_make(struct pg_rows *r, struct outcome *o, struct err *e)
{
	return make_rows(r, o, COPY_NONE, e);
}
