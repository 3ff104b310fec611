#include "pg/pg_rows.h"

#include "base/stop.h"
#include "pg/pg_change_values.h"
#include "pg/pg_fault.h"
#include "pg/pg_stage_sql.h"
#include "pg/pg_copy_text.h"
#include "pg/pg_unchanged.h"

#include <stdlib.h>
#include <string.h>

enum {
	SEND_SIZE = 128 << 10,  /* bytes that are given to libpq at once */
	SIGNAL_EVERY = 256      /* rows between two checks for a signal */
};

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
	if (r->target->mode->changes)
		pg_put_change_values(&r->text, rd, &r->scratch);
	if (r->target->mode->history)
		buf_printf(&r->text, "%s\t",
		    rd->as_of[0] == '\0' ? "\\N" : rd->as_of);
	pg_put_copy_values(&r->text, rd, rd->shape, &r->scratch);
	if (buf_check(&r->text, e) == -1 ||
	    key_order_add(&r->order, rd, e) == -1)
		return -1;
	r->v[r->n++] = (struct pg_row){ .at = at, .len = r->text.len - at,
		.item = (uint32_t)item, .shape = (uint32_t)rd->shape->id,
		.moves = rd->change.moves,
		.operation = rd->change.operation };
	return 0;
}

void
pg_rows_take(struct pg_rows *r, size_t from, size_t to)
{
	r->from = from;
	r->to = to;
	if (r->nshapes > 0)
		memset(r->used, 0, r->nshapes * sizeof(*r->used));
	for (size_t i = from; i < to; i++)
		if (!r->v[i].done)
			r->used[r->v[i].shape] = true;
}

static int
take_all_rows_of_reader(
    struct pg_rows *r, struct reader *rd, struct err *e)
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
	pg_rows_take(r, 0, r->n);
	return 0;
}

static int
start_copy_of_shape(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	buf_clear(&r->sql);
	buf_clear(&r->out);
	pg_put_copy_statement(&r->sql, r->target, s, staged);
	(void)buf_text(&r->sql);
	if (buf_check(&r->sql, e) == -1)
		return -1;
	return db_copy_begin(r->db, buf_text(&r->sql), e);
}

static void
put_number(struct buf *b, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

static int
send_and_clear_buffer(struct pg_rows *r, struct err *e)
{
	if (buf_check(&r->out, e) == -1 || (r->out.len > 0 &&
	    db_copy_data(r->db, r->out.data, r->out.len, e) == -1))
		return -1;
	buf_clear(&r->out);
	return 0;
}

/* Appends bytes to the send buffer and sends it when it is full. A large row is
 * sent in parts, because libpq copies all bytes that it gets in one call. */
static int
append_and_send_full_buffer(
    struct pg_rows *r, const char *p, size_t n, struct err *e)
{
	while (r->out.len + n >= SEND_SIZE) {
		size_t part =
		    r->out.len < SEND_SIZE ? SEND_SIZE - r->out.len : 0;

		buf_add(&r->out, p, part);
		if (send_and_clear_buffer(r, e) == -1)
			return -1;
		p += part;
		n -= part;
	}
	buf_add(&r->out, p, n);
	return 0;
}

static int
append_row_to_copy(struct pg_rows *r, const struct shape *s,
    const struct pg_row *row, bool staged, struct err *e)
{
	if (staged) {
		put_number(&r->out, row->item);
		buf_char(&r->out, '\t');
		put_number(&r->out, row->shape);
		if (s->n > 0)
			buf_char(&r->out, '\t');
	}
	if (append_and_send_full_buffer(
		r, r->text.data + row->at, row->len, e) == -1)
		return -1;
	if (!staged && r->target->touch != NO_COLUMN)
		buf_str(&r->out, "\tnow");
	if (!staged && r->target->seen != NO_COLUMN)
		buf_str(&r->out, "\tnow");
	buf_char(&r->out, '\n');
	return 0;
}

static int
finish_copy_and_count_rows(struct pg_rows *r, struct err *e)
{
	int64_t n = 0;

	if (send_and_clear_buffer(r, e) == -1 ||
	    db_copy_end(r->db, &n, e) == -1)
		return -1;
	r->copied += n;
	return 0;
}

/* Called after each row was made. If the row has the same shape (set of
 * columns) as the first row of the chunk, sends the row at once, so that the
 * server works on it while etl-load makes the next row. */
static int
copy_last_row_if_first_shape(
    struct pg_rows *r, const struct shape *s, bool staged, struct err *e)
{
	int rc = 0;

	if (r->first == NULL && (staged || s->n > 0)) {
		r->first = s;
		rc = start_copy_of_shape(r, s, staged, e);
	}
	if (rc == 0 && s == r->first && !r->failed)
		rc = append_row_to_copy(r, s, &r->v[r->n - 1], staged, e);
	if (rc == 0)
		return 0;
	r->failed = pg_record_may_be_cause(db_fault(r->db), r->judge_all);
	return r->failed ? 0 : -1;
}

/* Makes a row for COPY from record number i of the chunk (the part of the batch
 * that is in memory), or rejects the record. Returns 1: the row was made; 0:
 * the record was rejected, or is a tombstone; -1 with *e. */
static int
make_row_or_reject(
    struct pg_rows *r, struct outcome *o, size_t i, struct err *e)
{
	struct line l = spool_get_line(o->chunk, i);
	struct reject why;
	int rc = reader_match_record(&o->reader, &l, &why, e), ending;

	if (rc == 1)
		rc = pg_reject_changed_values(&o->reader, o->reader.shape,
		    &r->scratch, &why, e);
	if (rc == 1 && o->reader.change.moves)
		rc = pg_reject_changed_old_key(
		    &o->reader, &r->scratch, &why, e);
	o->sums.in++;
	o->sums.skipped += rc == 2;
	if (rc == 1 && o->ending.n > 0 &&
	    (ending = outcome_reject_if_ending(o, i, e)) != 0)
		return ending == 1 ? 0 : -1;
	if (rc == 1)
		return add_row_of_record(r, &o->reader, i, e) == -1 ? -1 : 1;
	if (rc == 0)
		return outcome_add_reject(o, i, &why, e);
	return rc == 2 ? 0 : -1;
}

enum copies { COPY_NONE, COPY_TO_STAGE, COPY_TO_TABLE };

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
	key_order_restart(&r->order);
	for (size_t i = 0; i < o->chunk->n; i++) {
		if (i % SIGNAL_EVERY == 0 && stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		if (!outcome_has_record(o, i))
			continue;
		rc = make_row_or_reject(r, o, i, e);
		if (rc == 1 && copies != COPY_NONE)
			rc = copy_last_row_if_first_shape(r, o->reader.shape,
			    copies == COPY_TO_STAGE, e);
		if (rc == -1)
			return -1;
	}
	if (r->first != NULL && !r->failed &&
	    finish_copy_and_count_rows(r, e) == -1) {
		if (!pg_record_may_be_cause(db_fault(r->db), r->judge_all))
			return -1;
		r->failed = true;
	}
	return take_all_rows_of_reader(r, &o->reader, e);
}

int
pg_rows_make_and_copy_first_shape(
    struct pg_rows *r, struct outcome *o, bool staged, struct err *e)
{
	return make_rows(r, o, staged ? COPY_TO_STAGE : COPY_TO_TABLE, e);
}

int
pg_rows_make(struct pg_rows *r, struct outcome *o, struct err *e)
{
	return make_rows(r, o, COPY_NONE, e);
}

bool
pg_row_is_left_of_shape(const struct pg_row *row, const struct shape *s)
{
	return row->shape == s->id && !row->done;
}

int
pg_send_rows_of_shape(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	buf_clear(&r->out);
	for (size_t i = r->from; i < r->to; i++)
		if (pg_row_is_left_of_shape(&r->v[i], s) &&
		    append_row_to_copy(r, s, &r->v[i], staged, e) == -1)
			return -1;
	return send_and_clear_buffer(r, e);
}

int
pg_copy_rows_of_shape(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	return start_copy_of_shape(r, s, staged, e) == -1 ||
	    pg_send_rows_of_shape(r, s, staged, e) == -1 ? -1 :
	    finish_copy_and_count_rows(r, e);
}

int
pg_copy_other_shapes(struct pg_rows *r, bool staged, struct err *e)
{
	for (size_t i = 0; i < r->nshapes && !r->failed; i++)
		if (r->used[i] && r->shapes[i] != r->first &&
		    pg_copy_rows_of_shape(r, r->shapes[i], staged, e) == -1)
			return -1;
	return r->failed ? -1 : 0;
}

int
pg_copy_rows_in_savepoint(struct pg_rows *r, const struct shape *s,
    bool staged, size_t *next_row, size_t max_rows, struct err *e)
{
	int rc;

	if (db_script(r->db, "SAVEPOINT etl_piece", e) == -1)
		return -1;
	rc = start_copy_of_shape(r, s, staged, e);
	for (; *next_row < r->to && max_rows > 0 && rc == 0; (*next_row)++)
		if (pg_row_is_left_of_shape(&r->v[*next_row], s)) {
			rc =
			    append_row_to_copy(
				r, s, &r->v[*next_row], staged, e);
			max_rows--;
		}
	if (rc == 0)
		rc = finish_copy_and_count_rows(r, e);
	if (rc == 0)
		return db_script(r->db, "RELEASE SAVEPOINT etl_piece",
		    e) == -1 ? -1 : 1;
	return pg_record_may_be_cause(db_fault(r->db), r->judge_all) ? 0 : -1;
}

int
pg_fail_if_copy_of_no_rows_fails(struct pg_rows *r, const struct shape *s,
    bool staged, struct err *e)
{
	return start_copy_of_shape(r, s, staged, e) == -1
		   ? -1
		   : finish_copy_and_count_rows(r, e);
}
