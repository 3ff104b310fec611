#include "pg/pg_rows.h"

#include "pg/pg_copy_binary.h"
#include "pg/pg_fault.h"
#include "pg/pg_stage_sql.h"

enum { SEND_SIZE = 128 << 10 }; /* bytes that are given to libpq at once */

/* Empties the send buffer, and appends the header if the COPY is binary. */
static void
begin_buffer(struct pg_rows *r, bool binary)
{
	buf_clear(&r->out);
	r->sends_binary = binary;
	if (binary)
		pg_put_binary_header(&r->out);
}

int
pg_copy_start(struct pg_rows *r, const struct shape *s, bool staged,
    bool binary, struct err *e)
{
	begin_buffer(r, binary);
	buf_clear(&r->sql);
	pg_put_copy(&r->sql, r->target, s, staged, binary);
	(void)buf_text(&r->sql);
	if (buf_check(&r->sql, e) == -1)
		return -1;
	return db_copy_begin(r->db, buf_text(&r->sql), e);
}

static void
put_decimal(struct buf *b, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

static int
send_buffer(struct pg_rows *r, struct err *e)
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
append_bytes(struct pg_rows *r, const char *p, size_t n, struct err *e)
{
	while (r->out.len + n >= SEND_SIZE) {
		size_t part =
		    r->out.len < SEND_SIZE ? SEND_SIZE - r->out.len : 0;

		buf_add(&r->out, p, part);
		if (send_buffer(r, e) == -1)
			return -1;
		p += part;
		n -= part;
	}
	buf_add(&r->out, p, n);
	return 0;
}

/* Appends the number of the record and that of its shape. */
static void
put_row_numbers(struct pg_rows *r, const struct shape *s,
    const struct pg_row *row)
{
	if (row->binary) {
		pg_put_binary_int4(&r->out, row->item);
		pg_put_binary_int4(&r->out, row->shape);
		return;
	}
	put_decimal(&r->out, row->item);
	buf_char(&r->out, '\t');
	put_decimal(&r->out, row->shape);
	if (s->n > 0)
		buf_char(&r->out, '\t');
}

/* Appends the trailer if the COPY is binary, and sends the buffer. */
static int
end_buffer(struct pg_rows *r, struct err *e)
{
	if (r->sends_binary)
		pg_put_binary_trailer(&r->out);
	return send_buffer(r, e);
}

int
pg_copy_finish(struct pg_rows *r, struct err *e)
{
	int64_t n = 0;

	if (end_buffer(r, e) == -1 || db_copy_end(r->db, &n, e) == -1)
		return -1;
	r->copied += n;
	return 0;
}

/* A COPY has only one format. If the row has the other format, ends the COPY
 * and begins a new one for this row. */
int
pg_copy_row(struct pg_rows *r, const struct shape *s, const struct pg_row *row,
    bool staged, struct err *e)
{
	if (row->binary != r->sends_binary &&
	    (pg_copy_finish(r, e) == -1 ||
	    pg_copy_start(r, s, staged, row->binary, e) == -1))
		return -1;
	if (row->binary)
		pg_put_binary_row(&r->out, s->n + (staged ? 2 : 0));
	if (staged)
		put_row_numbers(r, s, row);
	if (append_bytes(r, r->text.data + row->at, row->len, e) == -1)
		return -1;
	if (row->binary)
		return 0;
	if (!staged && r->target->touch != NO_COLUMN)
		buf_str(&r->out, "\tnow");
	if (!staged && r->target->seen != NO_COLUMN)
		buf_str(&r->out, "\tnow");
	buf_char(&r->out, '\n');
	return 0;
}

bool
pg_row_is_pending(const struct pg_row *row, const struct shape *s)
{
	return row->shape == s->id && !row->done;
}

bool
pg_rows_one_format(const struct pg_rows *r)
{
	return r->n == 0 || r->v[0].binary == r->v[r->n - 1].binary;
}

bool
pg_next_is_binary(const struct pg_rows *r, const struct shape *s, size_t from)
{
	while (from < r->to && !pg_row_is_pending(&r->v[from], s))
		from++;
	return from < r->to && r->v[from].binary;
}

static int
append_rows(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	for (size_t i = r->from; i < r->to; i++)
		if (pg_row_is_pending(&r->v[i], s) &&
		    pg_copy_row(r, s, &r->v[i], staged, e) == -1)
			return -1;
	return 0;
}

int
pg_send_rows(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	begin_buffer(r, pg_next_is_binary(r, s, r->from));
	return append_rows(r, s, staged, e) == -1 ? -1 : end_buffer(r, e);
}

int
pg_copy_shape(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	return pg_copy_start(r, s, staged,
	    pg_next_is_binary(r, s, r->from), e) == -1 ||
	    append_rows(r, s, staged, e) == -1 ? -1 : pg_copy_finish(r, e);
}

int
pg_copy_other_shapes(struct pg_rows *r, bool staged, struct err *e)
{
	for (size_t i = 0; i < r->nshapes && !r->failed; i++)
		if (r->used[i] && r->shapes[i] != r->first &&
		    pg_copy_shape(r, r->shapes[i], staged, e) == -1)
			return -1;
	return r->failed ? -1 : 0;
}

int
pg_try_copy(struct pg_rows *r, const struct shape *s, bool staged,
    size_t *next_row, size_t max_rows, struct err *e)
{
	bool binary = pg_next_is_binary(r, s, *next_row);
	const struct pg_row *row;
	int rc;

	if (db_script(r->db, "SAVEPOINT etl_piece", e) == -1)
		return -1;
	rc = pg_copy_start(r, s, staged, binary, e);
	for (; *next_row < r->to && max_rows > 0 && rc == 0; (*next_row)++) {
		row = &r->v[*next_row];
		if (!pg_row_is_pending(row, s))
			continue;
		if (row->binary != binary)
			break;
		rc = pg_copy_row(r, s, row, staged, e);
		max_rows--;
	}
	if (rc == 0)
		rc = pg_copy_finish(r, e);
	if (rc == 0)
		return db_script(r->db, "RELEASE SAVEPOINT etl_piece",
		    e) == -1 ? -1 : 1;
	return pg_may_blame_record(db_fault(r->db), r->judge_all) ? 0 : -1;
}

int
pg_check_copy(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	return pg_copy_start(r, s, staged,
	    pg_next_is_binary(r, s, r->from), e) == -1 ? -1 :
	    pg_copy_finish(r, e);
}
