#include "pg/pg_copy.h"

#include "base/base64.h"
#include "base/stop.h"
#include "columns_sql.h"
#include "json/write.h"
#include "pg/pg_codec.h"
#include "pg/pg_sink.h"
#include "pg/pg_sql.h"
#include "row.h"

#include <stdlib.h>
#include <string.h>

enum { SEND_SIZE = 128 << 10 }; /* bytes that are given to libpq at once */

/* Begin a COPY for rows of the shape, send one of these rows, and end the
 * COPY. */
static int
pg_copy_start(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	buf_clear(&r->out);
	buf_clear(&r->sql);
	pg_put_copy(&r->sql, r->target, s, staged);
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
	put_decimal(&r->out, row->item);
	buf_char(&r->out, '\t');
	put_decimal(&r->out, row->shape);
	if (s->n > 0)
		buf_char(&r->out, '\t');
}

/* Adds the number of rows to r->copied. */
static int
pg_copy_finish(struct pg_rows *r, struct err *e)
{
	int64_t n = 0;

	if (send_buffer(r, e) == -1 || db_copy_end(r->db, &n, e) == -1)
		return -1;
	r->copied += n;
	return 0;
}

static int
pg_copy_row(struct pg_rows *r, const struct shape *s, const struct pg_row *row,
    bool staged, struct err *e)
{
	if (staged)
		put_row_numbers(r, s, row);
	if (append_bytes(r, r->text.data + row->at, row->len, e) == -1)
		return -1;
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
	buf_clear(&r->out);
	return append_rows(r, s, staged, e) == -1 ? -1 : send_buffer(r, e);
}

/* Copies all rows of a shape. */
static int
pg_copy_shape(struct pg_rows *r, const struct shape *s, bool staged,
    struct err *e)
{
	return pg_copy_start(r, s, staged, e) == -1 ||
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
	const struct pg_row *row;
	int rc;

	if (db_script(r->db, "SAVEPOINT etl_piece", e) == -1)
		return -1;
	rc = pg_copy_start(r, s, staged, e);
	for (; *next_row < r->to && max_rows > 0 && rc == 0; (*next_row)++) {
		row = &r->v[*next_row];
		if (!pg_row_is_pending(row, s))
			continue;
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
	return pg_copy_start(r, s, staged, e) == -1 ? -1 :
	    pg_copy_finish(r, e);
}

/* A search for the rows or tuples that the server refuses. Each try copies some
 * of them in a savepoint. If the server refuses a try, the next one has fewer,
 * until one row is known to be the cause. (copy_around() in pg_sink.c has a
 * search of its own: it must not try many rows alone.) */
struct narrow {
	size_t size;            /* rows of the next try, if good is 0 */
	size_t good;            /* rows before a refused one: the next try has
	                         * only these */
};

static size_t
narrow_size(const struct narrow *w)
{
	return w->good > 0 ? w->good : w->size;
}

/* Called after the server has accepted a try. */
static void
narrow_pass(struct narrow *w)
{
	if (w->good == 0)
		w->size *= 2;
	w->good = 0;
}

/* Called after the server has refused a try. `line` is the line of the COPY
 * that it has named, or 0. Returns which row of the try is the cause, counted
 * from 1, or 0 if this is not known yet. */
static int64_t
narrow_refuse(struct narrow *w, int64_t line)
{
	bool alone = w->size <= 1;

	w->size = alone ? 1 : w->size / 2;
	if (line == 0 && !alone)
		return 0;
	w->good = line > 1 ? (size_t)line - 1 : 0;
	return line > 0 ? line : 1;
}

enum { FIRST_PIECE = 64 };      /* rows in the first piece */

size_t
pg_find_copy_row(const struct pg_rows *r, const struct shape *s, size_t from,
    int64_t line)
{
	for (size_t i = from; i < r->to; i++)
		if (pg_row_is_pending(&r->v[i], s) && --line == 0)
			return i;
	return from;
}

int
pg_copy_in_pieces(struct pg_rows *r, const struct shape *s, bool staged,
    struct outcome *o, struct err *e)
{
	struct narrow w = { .size = FIRST_PIECE };
	size_t from = r->from, at;
	struct db_fault fault;
	struct err why;
	int64_t cause;
	int rc;

	if (pg_check_copy(r, s, staged, e) == -1)
		return -1;
	while (from < r->to) {
		if (stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		at = from;
		rc = pg_try_copy(r, s, staged, &at, narrow_size(&w), e);
		if (rc == -1)
			return -1;
		if (rc == 1) {
			narrow_pass(&w);
			from = at;
			continue;
		}
		fault = *db_fault(r->db);
		why = *e;
		if (db_script(r->db, PG_UNDO_PIECE, e) == -1)
			return -1;
		if ((cause = narrow_refuse(&w, fault.line)) == 0)
			continue;
		at = pg_find_copy_row(r, s, from, cause);
		r->v[at].done = true;
		if (outcome_reject_fault(o, r->v[at].item, &fault, why.msg,
		    e) == -1)
			return -1;
	}
	return 0;
}

static void
put_escaped(struct buf *b, const char *p, size_t n)
{
	static const char special[] = "\\\n\r\t\b\f\v";
	static const char letter[] = "\\nrtbfv";
	const char *end = p + n, *from = p, *s;

	for (; p < end; p++) {
		if ((unsigned char)*p >= ' ' && *p != '\\')
			continue;
		if (*p == '\0' || (s = strchr(special, *p)) == NULL)
			continue;
		buf_add(b, from, (size_t)(p - from));
		buf_char(b, '\\');
		buf_char(b, letter[s - special]);
		from = p + 1;
	}
	buf_add(b, from, (size_t)(end - from));
}

/* Appends a value as JSON. In COPY's format a backslash must be doubled. Only
 * JSON with an escape in a string contains a backslash, so all other scalar
 * values are copied without a search for special bytes. */
static void
put_json(struct buf *b, const struct json *j, uint32_t tok,
    struct buf *scratch)
{
	const struct json_tok *t = &j->tok[tok];

	buf_clear(scratch);
	if (t->type == JSON_ARRAY || t->type == JSON_OBJECT) {
		json_put_compact(scratch, j, tok);
		put_escaped(b, scratch->data, scratch->len);
		b->failed |= scratch->failed;
	} else if (t->flags & JSON_ESCAPED)
		put_escaped(b, j->text + t->at, t->len);
	else
		buf_add(b, j->text + t->at, t->len);
}

static void
put_text(struct buf *b, const struct json *j, uint32_t tok,
    struct buf *scratch)
{
	const struct json_tok *t = &j->tok[tok];

	if (t->type != JSON_STRING) {
		put_json(b, j, tok, scratch);
	} else if (t->flags & JSON_ESCAPED) {
		buf_clear(scratch);
		json_unescape(scratch, j, tok);
		put_escaped(b, scratch->data, scratch->len);
		b->failed |= scratch->failed;
	} else
		buf_add(b, j->text + t->at + 1, t->len - 2);
}

static void
put_int(struct buf *b, const struct json *j, uint32_t tok,
    struct buf *scratch)
{
	if (!pg_put_int_digits(b, j, &j->tok[tok]))
		put_text(b, j, tok, scratch);
}

static void
put_bytes(struct buf *b, const struct reader *r, uint32_t tok,
    struct buf *scratch)
{
	const struct json *j = &r->json;
	size_t start = b->len, at;

	buf_str(b, "\\\\x");
	at = b->len;
	if (r->target->mapping.base64) {
		buf_clear(scratch);
		json_unescape(scratch, j, tok);
		(void)base64_get(b, scratch->data, scratch->len);
		b->failed |= scratch->failed;
		pg_bytes_to_hex(b, at);
		return;
	}
	pg_put_characters(b, j, tok);
	if (pg_is_hex(&j->tok[tok], b->data + at, b->len - at)) {
		b->len = start;
		put_text(b, j, tok, scratch);
	} else {
		pg_bytes_to_hex(b, at);
	}
}

/* True if the value becomes an array or a composite value of PostgreSQL. */
static bool
is_nested(const struct column *c, const struct json_tok *t)
{
	return c->kind == COLUMN_ARRAY ? t->type == JSON_ARRAY :
	    c->fields != NULL && t->type == JSON_OBJECT;
}

static void
put_nested(struct buf *b, struct reader *r, size_t column, uint32_t tok,
    struct buf *scratch)
{
	const struct json_tok *t = &r->json.tok[tok];
	struct json_fault f = { 0 };

	if (json_scan(&r->inner, r->json.text + t->at, t->len,
		JSON_LEVELS_ALL, JSON_LAST, &f) == -1) {
		b->failed = true;
		return;
	}
	buf_clear(scratch);
	pg_put_literal(scratch, &r->inner, 0,
	    &r->target->table->columns[column], r->target->mapping.base64);
	put_escaped(b, scratch->data, scratch->len);
	b->failed |= scratch->failed;
}

void
pg_put_copy_values(struct buf *b, struct reader *r, const struct shape *s,
    struct buf *scratch)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t c = s->columns[i];
		const struct json *j = reader_json(r, c);
		uint32_t tok = r->value[c];

		if (i > 0)
			buf_char(b, '\t');
		if (j->tok[tok].type == JSON_NULL) {
			buf_add(b, "\\N", 2);
			continue;
		}
		if (is_nested(&r->target->table->columns[c], &j->tok[tok])) {
			put_nested(b, r, c, tok, scratch);
			continue;
		}
		switch (r->target->table->columns[c].kind) {
		case COLUMN_INT:
			put_int(b, j, tok, scratch);
			break;
		case COLUMN_JSON:
			put_json(b, j, tok, scratch);
			break;
		case COLUMN_BYTES:
			put_bytes(b, r, tok, scratch);
			break;
		default:
			put_text(b, j, tok, scratch);
		}
	}
}

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
		rc = pg_copy_start(r, s, staged, e);
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

enum { MANY = 1000 };   /* a table with more is joined as a whole */

void
pg_tuples_init(struct pg_tuples *t, struct db *db,
    const struct target *target, const struct shape *columns,
    const char *table, bool takes_null)
{
	*t = (struct pg_tuples){ .db = db, .target = target,
		.columns = columns, .table = table,
		.takes_null = takes_null };
	buf_init(&t->sql, SIZE_MAX / 2);
	buf_init(&t->scratch, SIZE_MAX / 2);
	keyset_init(&t->seen);
}

void
pg_tuples_release(struct pg_tuples *t)
{
	buf_release(&t->sql);
	buf_release(&t->scratch);
	keyset_release(&t->seen);
}

int
pg_tuples_check(struct pg_tuples *t,
    int (*check)(void *self, struct err *e), void *self, struct err *e)
{
	int rc;

	if (db_begin(t->db, e) == -1)
		return -1;
	rc = check(self, e);
	if (rc == 0 && (rc = db_commit(t->db, e)) == 0)
		t->there = !db_is_pooled(t->db);
	else
		db_rollback(t->db);
	return rc;
}

static void
forget_seen(struct pg_tuples *t)
{
	keyset_clear(&t->seen);
	t->copied = 0;
}

void
pg_tuples_forget(struct pg_tuples *t)
{
	forget_seen(t);
	t->many = false;
}

int
pg_tuples_note(struct pg_tuples *t, struct reader *r, const struct line *l,
    struct err *e)
{
	struct buf *b = &t->seen.bytes;
	size_t at = b->len;
	struct reject why;
	bool nomem;
	int rc = record_part_read(r, l, t->columns, e);

	if (rc == 1 && !t->takes_null && record_part_has_null(r, t->columns))
		rc = 0;
	if (rc == 1)
		rc = pg_reject_changed(r, t->columns, &t->scratch, &why, e);
	if (rc != 1)
		return rc;
	pg_put_copy_values(b, r, t->columns, &t->scratch);
	buf_char(b, '\n');
	(void)keyset_add(&t->seen, at, 0, &nomem);
	return nomem ? err_nomem(e) : 1;
}

/* Copies the tuples number `from` to `to` - 1 into the temporary table. */
static int
copy_tuples(struct pg_tuples *t, size_t from, size_t to, struct err *e)
{
	const struct keyset *k = &t->seen;
	const char *sql;
	int64_t rows;

	buf_clear(&t->sql);
	buf_printf(&t->sql, "COPY %s%s (", t->table, t->target->suffix);
	sql_put_columns(&t->sql, t->target, t->columns, false);
	buf_str(&t->sql, ") FROM STDIN");
	if ((sql = buf_finish(&t->sql, e)) == NULL ||
	    db_copy_begin(t->db, sql, e) == -1)
		return -1;
	for (; from < to; from++)
		if (db_copy_data(t->db, k->bytes.data + k->v[from].at,
		    k->v[from].len, e) == -1)
			return -1;
	return db_copy_end(t->db, &rows, e);
}

/* Returns 1: copied; 0: the server refused a tuple, and all were rolled back;
 * -1 with *e. */
static int
try_copy_tuples(struct pg_tuples *t, size_t from, size_t to, bool judge_all,
    struct err *e)
{
	if (db_script(t->db, "SAVEPOINT etl_tuple", e) == -1)
		return -1;
	if (copy_tuples(t, from, to, e) == 0)
		return db_script(t->db, "RELEASE SAVEPOINT etl_tuple", e) == -1
			   ? -1
			   : 1;
	if (!pg_may_blame_record(db_fault(t->db), judge_all))
		return -1;
	return db_script(t->db, "ROLLBACK TO SAVEPOINT etl_tuple; "
	    "RELEASE SAVEPOINT etl_tuple", e);
}

/* A tuple that the server refuses is only counted. No row of the target can
 * match it, because its column cannot hold the value. */
int
pg_tuples_copy_new(struct pg_tuples *t, bool judge_all, uint64_t *unreadable,
    struct err *e)
{
	struct narrow w = { .size = t->seen.n - t->copied };
	size_t left, to;
	int rc;

	while (t->copied < t->seen.n) {
		left = t->seen.n - t->copied;
		to = t->copied + (left > w.size ? w.size : left);
		rc = try_copy_tuples(t, t->copied, to, judge_all, e);
		if (rc == -1)
			return -1;
		if (rc == 1) {
			narrow_pass(&w);
			t->copied = to;
		} else if (narrow_refuse(&w, 0) > 0) {
			(*unreadable)++;
			t->copied = to;
		}
	}
	t->many |= t->copied >= MANY;
	if (t->seen.bytes.len > REMEMBERED_MAX)
		forget_seen(t);
	return 0;
}

/* If the statistics say that a table is empty, the planner chooses a nested
 * loop, whose time grows with the product of the numbers of rows. The
 * statistics are wrong, for example, if an index was made while the table was
 * empty. */
int
pg_avoid_loops(struct db *db, bool avoid, struct err *e)
{
	return db_script(db, avoid ? "SET LOCAL enable_nestloop = off" :
	    "SET LOCAL enable_nestloop TO DEFAULT", e);
}
