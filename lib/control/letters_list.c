#include "control/letters_filter.h"
#include "control/letters_impl.h"

#include "base/stop.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 128, LARGE = 1 << 20, NUMBERS = 8, TEXTS = 19,
	RAW = NUMBERS + TEXTS };

/* A dead letter of the page that the last query returned: its integer columns,
 * and for each text column the offset of the text in the buffer `text` of
 * struct letters. The offset SIZE_MAX stands for NULL. */
struct entry {
	int64_t number[NUMBERS];
	size_t text[TEXTS], raw;
};

struct letters {
	struct db *db;
	const struct letter_filter *filter;
	struct entry page[PAGE];
	size_t at, n;                   /* next and number of page entries */
	struct buf text;                /* the texts of the page */
	struct buf raw;                 /* record of one large letter */
	struct buf created; /* created_at and id of the page's last */
	int64_t id;                     /* letter: the next page starts after
	                                 * them */
	int64_t last;                   /* the highest id when letters_open()
	                                 * was called */
	uint64_t left;                  /* how many letters may still be read */
	bool is_last_page;
};

int
letters_open(struct letters **out, struct db *db,
    const struct letter_filter *f, struct err *e)
{
	struct letters *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_nomem(e);
	l->db = db;
	l->filter = f;
	l->left = f->limit > 0 ? f->limit : UINT64_MAX;
	buf_init(&l->text, SIZE_MAX / 4);
	buf_init(&l->raw, SIZE_MAX / 4);
	buf_init(&l->created, SIZE_MAX / 4);
	if ((f->id != NULL && letter_find_row(db, f->id, &l->id, e) == -1) ||
	    db_query_int(db, db_sql(db, SQL_LETTERS_LAST), NULL, 0, 0, &l->last,
	    e) == -1) {
		letters_close(l);
		return -1;
	}
	*out = l;
	return 0;
}

/* Appends a text and a NUL. Returns its offset, or SIZE_MAX for NULL. */
static size_t
add_text(struct letters *l, const struct db_value *v)
{
	size_t at = l->text.len;

	if (v->type == DB_NULL)
		return SIZE_MAX;
	buf_add(&l->text, v->p, v->len);
	buf_char(&l->text, '\0');
	return at;
}

static void
add_page_entry(struct letters *l, const struct db_rows *r)
{
	struct entry *t = &l->page[l->n++];
	struct db_value v;

	for (size_t i = 0; i < NUMBERS; i++)
		t->number[i] = db_column(r, i).i;
	for (size_t i = 0; i < TEXTS; i++) {
		v = db_column(r, NUMBERS + i);
		t->text[i] = add_text(l, &v);
	}
	v = db_column(r, RAW);
	t->raw = add_text(l, &v);
}

static int
query_letters(struct letters *l, struct db_rows **r, struct err *e)
{
	struct db_value limit = DB_I(l->left < PAGE ? (int64_t)l->left : PAGE);
	const char *text;
	struct where w;
	size_t a, b;
	int rc = where_begin(&w, l->db, SQL_LETTERS_PAGE, &limit, 1, l->filter,
	    e);

	if (rc == 0) {
		a = where_add(&w, DB_I(l->last));
		buf_printf(&w.sql, " AND d.id <= $%zu", a);
		if (l->created.len > 0) {
			a = where_add(&w, db_text(buf_text(&l->created)));
			b = where_add(&w, DB_I(l->id));
			buf_printf(&w.sql, " AND (d.created_at, d.id) > "
			    "($%zu, $%zu)", a, b);
		}
		text = where_finish(&w, e);
		rc = text == NULL ? -1 :
		    db_query(l->db, r, text, w.v, w.n, e);
	}
	where_release(&w);
	return rc;
}

/* Returns the text at an offset of add_text(), or NULL. */
static const char *
text_at(const struct letters *l, size_t at)
{
	return at == SIZE_MAX ? NULL : l->text.data + at;
}

static int
read_letters(struct letters *l, struct err *e)
{
	struct db_rows *r = NULL;
	int rc;

	l->at = l->n = 0;
	buf_clear(&l->text);
	if (query_letters(l, &r, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && l->n < PAGE)
		add_page_entry(l, r);
	db_end(r);
	if (rc == -1 || buf_check(&l->text, e) == -1)
		return -1;
	l->is_last_page = l->n < PAGE;
	l->left -= l->n;
	if (l->n == 0)
		return 0;
	l->id = l->page[l->n - 1].number[0];
	buf_clear(&l->created);
	buf_str(&l->created, text_at(l, l->page[l->n - 1].text[8]));
	return buf_check(&l->created, e);
}

static void
fill_letter(const struct letters *l, const struct entry *t, struct letter *out)
{
	const char *text[TEXTS];

	for (size_t i = 0; i < TEXTS; i++)
		text[i] = text_at(l, t->text[i]);
	*out = (struct letter){
		.id = t->number[0], .attempts = t->number[1],
		.resolved_upto = t->number[2],
		.raw_len = (size_t)t->number[3], .bytes = t->number[4],
		.http_status = (int)t->number[5],
		.retryable = t->number[6] != 0,
		.has_own_bytes = t->number[7] != 0,
		.reject_id = text[0], .stage = text[1], .code = text[2],
		.pipeline = text[3], .run = text[4], .message = text[5],
		.pointer = text[6], .origin = text[7],
		.created_at = text[8], .last_seen_at = text[9],
		.status = text[10], .sqlstate = text[11],
		.reason = text[12], .resolved_at = text[13],
		.resolved_by_run = text[14], .erased_at = text[15],
		.sha256 = text[16], .stream = text[17], .target = text[18],
		.raw = text_at(l, t->raw),
	};
}

int
letters_next(struct letters *l, struct letter *out, struct err *e)
{
	if (l->raw.cap > LARGE)
		buf_release(&l->raw);
	if (stop_signal() != 0)
		return err_set(e, ERR_RETRY, true, "stopped by a signal");
	if (l->at == l->n) {
		if (l->is_last_page || l->left == 0)
			return 0;
		if (read_letters(l, e) == -1)
			return -1;
		if (l->n == 0)
			return 0;
	}
	fill_letter(l, &l->page[l->at++], out);
	return 1;
}

int
letters_read_raw(struct letters *l, struct letter *out, struct err *e)
{
	const struct db_value v[] = { DB_I(out->id), DB_I(out->attempts) };
	int rc = 1;

	if (out->raw != NULL)
		return 1;
	buf_clear(&l->raw);
	if (!buf_reserve(&l->raw, out->raw_len))
		return buf_check(&l->raw, e);
	while (rc == 1 && l->raw.len < out->raw_len)
		rc = letters_read_raw_part(
		    l->db, SQL_LETTER_RAW, v, &l->raw, out->raw_len, e);
	if (rc != 1)
		return rc;
	out->raw = l->raw.data;
	return 1;
}

void
letters_close(struct letters *l)
{
	if (l == NULL)
		return;
	buf_release(&l->text);
	buf_release(&l->raw);
	buf_release(&l->created);
	free(l);
}
