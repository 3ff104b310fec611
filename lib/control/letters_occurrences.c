#include "control/letters_impl.h"

#include "base/stop.h"

#include <stdlib.h>

enum { TIMES = 256, LARGE = 1 << 20 };

/* One occurrence of the page that was read last. Its texts are given as offsets
 * in the buffer `text` of struct letter_occurrences. */
struct row {
	int64_t number;
	size_t text[3], raw, raw_len;
	bool has_own_bytes, has_raw;    /* has_raw: raw was read, too */
};

struct letter_occurrences {
	struct db *db;
	int64_t letter;
	enum letter_occurrences_kind kind;
	int64_t skip;                   /* how many occurrences to leave out at
	                                 * the start */
	int64_t most;                   /* how many occurrences to read after
	                                 * these; TIMES_ALL and TIMES_OPEN: how
	                                 * many are left to read */
	int64_t last;                   /* number of the page's last row: the
	                                 * next page starts after it */
	struct row page[TIMES];
	size_t at, n;                   /* next and number of page rows */
	struct buf text;
	struct buf raw;                 /* large bytes of one occurrence */
	bool is_last_page;
};

int
letter_occurrences_open(struct letter_occurrences **out, struct db *db,
    const struct letter *l, enum letter_occurrences_kind kind, struct err *e)
{
	struct letter_occurrences *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	t->db = db;
	t->letter = l->id;
	t->kind = kind;
	t->skip = kind == TIMES_ALL ? 0 : l->resolved_upto;
	t->most = l->attempts - t->skip;
	buf_init(&t->text, SIZE_MAX / 4);
	buf_init(&t->raw, SIZE_MAX / 4);
	*out = t;
	return 0;
}

/* Appends bytes and a NUL, and returns their offset. */
static size_t
add_bytes(struct letter_occurrences *t, const struct db_value *v)
{
	size_t at = t->text.len;

	if (v->len > 0)
		buf_add(&t->text, v->p, v->len);
	buf_char(&t->text, '\0');
	return at;
}

static void
add_page_row(struct letter_occurrences *t, const struct db_rows *r)
{
	struct row *to = &t->page[t->n++];
	struct db_value v = db_column(r, 1);

	to->number = db_column(r, 0).i;
	to->has_own_bytes = v.type != DB_NULL;
	to->raw_len = to->has_own_bytes ? (size_t)v.i : 0;
	for (size_t i = 0; i < 3; i++) {
		v = db_column(r, 2 + i);
		to->text[i] = add_bytes(t, &v);
	}
	v = db_column(r, 5);
	to->has_raw = v.type != DB_NULL;
	to->raw = add_bytes(t, &v);
}

static int
query_times(struct letter_occurrences *t, struct db_rows **r, struct err *e)
{
	bool distinct = t->kind == TIMES_OPEN_DISTINCT;
	struct db_value v[] = { DB_I(t->letter), DB_I(t->last), DB_I(t->skip),
	    DB_I(t->most) };
	enum sql_id script = distinct ? SQL_LETTER_TIMES_DISTINCT :
	    SQL_LETTER_TIMES;

	return db_query(
	    t->db, r, db_sql(t->db, script), v, distinct ? 4 : 3, e);
}

static int
read_times(struct letter_occurrences *t, struct err *e)
{
	struct db_rows *r;
	int rc;

	t->at = t->n = 0;
	buf_clear(&t->text);
	if (query_times(t, &r, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && t->n < TIMES)
		add_page_row(t, r);
	db_end(r);
	if (rc == -1 || buf_check(&t->text, e) == -1)
		return -1;
	t->is_last_page = t->n < TIMES;
	if (t->n > 0)
		t->last = t->page[t->n - 1].number;
	if (t->kind != TIMES_OPEN_DISTINCT)
		t->skip = 0;
	return 0;
}

int
letter_occurrences_next(struct letter_occurrences *t,
    struct letter_occurrence *out, struct err *e)
{
	const struct row *row;

	if (stop_signal() != 0)
		return err_set(e, ERR_RETRY, true, "stopped by a signal");
	if (t->raw.cap > LARGE)
		buf_release(&t->raw);
	if (t->most <= 0)
		return 0;
	if (t->at == t->n) {
		if (t->is_last_page)
			return 0;
		if (read_times(t, e) == -1)
			return -1;
		if (t->n == 0)
			return 0;
	}
	row = &t->page[t->at++];
	if (t->kind != TIMES_OPEN_DISTINCT)
		t->most--;
	*out = (struct letter_occurrence){ .number = row->number,
		.occurrence = t->text.data + row->text[0],
		.at = t->text.data + row->text[1],
		.message = t->text.data + row->text[2],
		.has_own_bytes = row->has_own_bytes, .raw_len = row->raw_len,
		.raw = row->has_raw ? t->text.data + row->raw : NULL };
	return 1;
}

int
letter_occurrences_read(struct letter_occurrences *t,
    struct letter_occurrence *out, struct err *e)
{
	const struct db_value v[] = { DB_I(t->letter), DB_I(out->number) };
	int rc = 1;

	if (!out->has_own_bytes || out->raw != NULL)
		return 1;
	buf_clear(&t->raw);
	if (!buf_reserve(&t->raw, out->raw_len))
		return buf_check(&t->raw, e);
	while (rc == 1 && t->raw.len < out->raw_len)
		rc = letters_read_raw_part(t->db, SQL_LETTER_TIME_RAW, v,
		    &t->raw, out->raw_len, e);
	if (rc == 1)
		out->raw = t->raw.data;
	return rc;
}

void
letter_occurrences_close(struct letter_occurrences *t)
{
	if (t == NULL)
		return;
	buf_release(&t->text);
	buf_release(&t->raw);
	free(t);
}
