#include "control/letters_impl.h"

#include "base/stop.h"

#include <stdlib.h>

enum { TIMES = 256 };

struct letter_times {
	struct db *db;
	int64_t letter;
	size_t page[TIMES][3];          /* offsets of three columns in text */
	size_t at, n;                   /* next and number of page rows */
	struct buf text;
	struct buf last_at, last;       /* time and occurrence of the page's
	                                 * last row: the next page starts
	                                 * after it */
	bool is_last_page;
};

int
letter_times_open(struct letter_times **out, struct db *db, int64_t letter,
    struct err *e)
{
	struct letter_times *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	t->db = db;
	t->letter = letter;
	buf_init(&t->text, SIZE_MAX / 4);
	buf_init(&t->last_at, SIZE_MAX / 4);
	buf_init(&t->last, SIZE_MAX / 4);
	buf_str(&t->last_at, "0001-01-01T00:00:00.000000Z");
	*out = t;
	return buf_check(&t->last_at, e);
}

static void
add_page_row(struct letter_times *t, const struct db_rows *r)
{
	for (size_t i = 0; i < 3; i++) {
		struct db_value v = db_column(r, i);

		t->page[t->n][i] = t->text.len;
		buf_add(&t->text, v.p, v.len);
		buf_char(&t->text, '\0');
	}
	t->n++;
}

static int
read_next_page(struct letter_times *t, struct err *e)
{
	struct db_value v[] = { DB_I(t->letter),
	    db_text(buf_text(&t->last_at)), db_text(buf_text(&t->last)) };
	struct db_rows *r;
	int rc;

	t->at = t->n = 0;
	buf_clear(&t->text);
	if (db_query(t->db, &r, db_sql(t->db, SQL_LETTER_TIMES), v, 3,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && t->n < TIMES)
		add_page_row(t, r);
	db_end(r);
	if (rc == -1 || buf_check(&t->text, e) == -1)
		return -1;
	t->is_last_page = t->n < TIMES;
	if (t->n == 0)
		return 0;
	buf_clear(&t->last_at);
	buf_clear(&t->last);
	buf_str(&t->last, t->text.data + t->page[t->n - 1][0]);
	buf_str(&t->last_at, t->text.data + t->page[t->n - 1][1]);
	if (buf_check(&t->last, e) == -1)
		return -1;
	return buf_check(&t->last_at, e);
}

int
letter_times_next(struct letter_times *t, struct letter_time *out,
    struct err *e)
{
	if (stop_signal() != 0)
		return err_set(e, ERR_RETRY, true, "stopped by a signal");
	if (t->at == t->n) {
		if (t->is_last_page)
			return 0;
		if (read_next_page(t, e) == -1)
			return -1;
		if (t->n == 0)
			return 0;
	}
	out->occurrence = t->text.data + t->page[t->at][0];
	out->at = t->text.data + t->page[t->at][1];
	out->message = t->text.data + t->page[t->at][2];
	t->at++;
	return 1;
}

void
letter_times_close(struct letter_times *t)
{
	if (t == NULL)
		return;
	buf_release(&t->text);
	buf_release(&t->last_at);
	buf_release(&t->last);
	free(t);
}
