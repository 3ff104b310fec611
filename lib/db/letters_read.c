#include "db/letters.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS = 18 };

struct letters {
	struct db_rows *rows;
};

/* The number that text is: 0 where it is none. */
static int64_t
number_of(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > NUMBER_DIGITS || strspn(text, "0123456789") != n)
		return 0;
	return strtoll(text, NULL, 10);
}

static int
find_prefix(struct db *db, const char *id, int64_t *out, struct err *e)
{
	struct db_value v = db_text(id);
	struct db_rows *r;
	int n = 0, rc;

	if (db_query(db, &r, db_sql(db, SQL_LETTER_BY_PREFIX), &v, 1,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		*out = db_column(r, 0).i;
		n++;
	}
	db_end(r);
	if (rc == 0 && n > 1)
		rc = err_set(e, ERR_USAGE, false, "%s: several dead letters "
		    "begin so: give more of the id", id);
	return rc == -1 ? -1 : n;
}

/* The letter's number, of a number or of the start of its reject id. */
static int
letter_find(struct db *db, const char *id, int64_t *out, struct err *e)
{
	struct db_value v = DB_I(number_of(id));
	int rc;

	*out = 0;
	if (v.i > 0 && db_int(db, db_sql(db, SQL_LETTER_BY_NUMBER), &v, 1, 0,
	    out, e) == -1)
		return -1;
	if (*out != 0)
		return 0;
	if (*id != '\0' && strspn(id, "0123456789abcdef") == strlen(id) &&
	    (rc = find_prefix(db, id, out, e)) != 0)
		return rc == -1 ? -1 : 0;
	return err_set(e, ERR_LIMIT, false, "%s: no such dead letter", id);
}

int
letters_open(struct letters **out, struct db *db,
    const struct letter_filter *f, struct err *e)
{
	struct letters *l;
	int64_t id = 0, run = f->run == NULL ? 0 : number_of(f->run);

	if (f->id != NULL && letter_find(db, f->id, &id, e) == -1)
		return -1;
	struct db_value none = db_text(NULL), v[] = {
		id == 0 ? none : DB_I(id), db_text(f->stage),
		db_text(f->code), db_text(f->pipeline), db_text(f->status),
		db_text(f->since), db_text(f->until),
		run == 0 ? none : DB_I(run),
		run == 0 ? db_text(f->run) : none,
		f->limit == 0 || f->limit > INT64_MAX ? none :
		DB_I((int64_t)f->limit),
	};

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_nomem(e);
	if (db_query(db, &l->rows, db_sql(db, SQL_LETTERS_LIST), v,
	    sizeof(v) / sizeof(v[0]), e) == -1) {
		free(l);
		return -1;
	}
	*out = l;
	return 0;
}

static const char *
text(const struct letters *l, size_t i)
{
	struct db_value v = db_column(l->rows, i);

	return v.type == DB_TEXT ? v.p : NULL;
}

int
letters_next(struct letters *l, struct letter *out, struct err *e)
{
	int rc = db_next(l->rows, e);
	struct db_value raw;

	if (rc != 1)
		return rc;
	raw = db_column(l->rows, 14);
	*out = (struct letter){
		.id = db_column(l->rows, 0).i,
		.attempts = db_column(l->rows, 1).i,
		.resolved_upto = db_column(l->rows, 2).i,
		.reject_id = text(l, 3), .stage = text(l, 4),
		.code = text(l, 5), .pipeline = text(l, 6),
		.run = text(l, 7), .message = text(l, 8),
		.pointer = text(l, 9), .origin = text(l, 10),
		.created_at = text(l, 11), .last_seen_at = text(l, 12),
		.status = text(l, 13),
		.raw = raw.p == NULL ? "" : raw.p, .raw_len = raw.len,
		.cut = db_column(l->rows, 15).i != 0,
		.sqlstate = text(l, 16),
		.http_status = (int)db_column(l->rows, 17).i,
		.retryable = db_column(l->rows, 18).i != 0,
		.reason = text(l, 19),
	};
	return 1;
}

void
letters_close(struct letters *l)
{
	if (l == NULL)
		return;
	db_end(l->rows);
	free(l);
}

int
letter_close(struct db *db, const char *id, const char *status,
    const char *reason, struct err *e)
{
	int64_t number;

	if (letter_find(db, id, &number, e) == -1)
		return -1;
	struct db_value v[] = { DB_I(number), db_text(status),
	    db_text(reason) };

	return db_run(db, db_sql(db, SQL_LETTER_CLOSE), v, 3, NULL, e);
}
