#include "db/letters.h"

#include "db/letter_line.h"

#include <inttypes.h>
#include <string.h>

enum { CHUNK = 64 << 10 };

static struct db_value
row_or_null(int64_t run_row)
{
	return run_row == 0 ? db_text(NULL) : DB_I(run_row);
}

/* SQLite, one letter: 1 it is new, 0 known, -1. */
static int
store_one(struct db *db, const struct letter_line *l, int64_t run_row,
    struct err *e)
{
	struct db_value v[LETTER_N + 1], row = row_or_null(run_row);
	int64_t known, id;

	if (db_int(db, db_sql(db, SQL_LETTER_KNOWN),
	    &l->v[LETTER_OCCURRENCE], 1, 0, &known, e) == -1)
		return -1;
	if (known)
		return 0;
	memcpy(v, l->v, sizeof(l->v));
	v[LETTER_N] = row;
	if (db_int(db, db_sql(db, SQL_LETTER_STORE), v, LETTER_N + 1, 0, &id,
	    e) == -1)
		return -1;
	struct db_value attempt[] = { DB_I(id), l->v[LETTER_OCCURRENCE], row,
	    l->v[LETTER_AT], l->v[LETTER_MESSAGE] };

	return db_run(db, db_sql(db, SQL_LETTER_ATTEMPT), attempt, 5, NULL,
	    e) == -1 ? -1 : 1;
}

static int
store_each(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	struct letter_line l;
	int rc = 0;

	letter_line_init(&l);
	for (size_t i = 0; i < n && rc != -1; i++) {
		rc = letter_line_read(&l, lines[i].p, lines[i].len, e);
		if (rc == 0)
			rc = store_one(db, &l, run_row, e);
		if (rc == 1)
			++*added;
	}
	letter_line_release(&l);
	return rc == -1 ? -1 : 0;
}

static int
flush(struct db *db, struct buf *b, size_t least, struct err *e)
{
	int rc;

	if (b->len < least)
		return 0;
	if (buf_check(b, e) == -1)
		return -1;
	rc = db_copy_data(db, b->data, b->len, e);
	buf_clear(b);
	return rc;
}

static int
copy_hex(struct db *db, struct buf *b, const struct db_value *v,
    struct err *e)
{
	static const char digits[] = "0123456789abcdef";

	buf_str(b, "\\\\x");
	for (size_t i = 0; i < v->len; i++) {
		buf_char(b, digits[(unsigned char)v->p[i] >> 4]);
		buf_char(b, digits[v->p[i] & 15]);
		if (flush(db, b, CHUNK, e) == -1)
			return -1;
	}
	return 0;
}

static int
copy_text(struct db *db, struct buf *b, const struct db_value *v,
    struct err *e)
{
	const char *p = v->p, *end = v->p + v->len;

	while (p < end) {
		const char *from = p;

		while (p < end && p - from < CHUNK && *p != '\\' &&
		    *p != '\t' && *p != '\n' && *p != '\r')
			p++;
		buf_add(b, from, (size_t)(p - from));
		if (p < end && p - from < CHUNK) {
			buf_str(b, *p == '\t' ? "\\t" : *p == '\n' ? "\\n" :
			    *p == '\r' ? "\\r" : "\\\\");
			p++;
		}
		if (flush(db, b, CHUNK, e) == -1)
			return -1;
	}
	return 0;
}

static int
copy_line(struct db *db, struct buf *b, const struct letter_line *l,
    struct err *e)
{
	int rc = 0;

	for (int i = 0; i < LETTER_N && rc == 0; i++) {
		const struct db_value *v = &l->v[i];

		if (i > 0)
			buf_char(b, '\t');
		if (v->type == DB_NULL)
			buf_str(b, "\\N");
		else if (v->type == DB_INT)
			buf_printf(b, "%" PRId64, v->i);
		else if (v->type == DB_BLOB)
			rc = copy_hex(db, b, v, e);
		else
			rc = copy_text(db, b, v, e);
	}
	buf_char(b, '\n');
	return rc == 0 ? flush(db, b, CHUNK, e) : rc;
}

static int
copy_all(struct db *db, const struct letter_text *lines, size_t n,
    struct err *e)
{
	struct letter_line l;
	struct buf b;
	int rc;

	letter_line_init(&l);
	buf_init(&b, SIZE_MAX / 4);
	rc = db_copy_begin(db, db_sql(db, SQL_LETTERS_COPY), e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = letter_line_read(&l, lines[i].p, lines[i].len, e);
		if (rc == 0)
			rc = copy_line(db, &b, &l, e);
	}
	if (rc == 0)
		rc = flush(db, &b, 1, e);
	if (rc == 0)
		rc = db_copy_end(db, NULL, e);
	buf_release(&b);
	letter_line_release(&l);
	return rc;
}

static int
merge(struct db *db, int64_t run_row, int64_t *added, struct err *e)
{
	struct db_value row = row_or_null(run_row);
	int64_t more;

	if (db_run(db, db_sql(db, SQL_LETTERS_ADD), NULL, 0, NULL, e) == -1 ||
	    db_run(db, db_sql(db, SQL_LETTERS_LOCK), NULL, 0, NULL,
	    e) == -1 ||
	    db_int(db, db_sql(db, SQL_LETTERS_MERGE), &row, 1, 0, &more,
	    e) == -1)
		return -1;
	*added += more;
	return 0;
}

/* PostgreSQL: copied aside, then merged in a few statements. SAVEPOINT fails
 * outside a transaction, where the copied rows would be gone already. */
static int
store_all(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	if (db_script(db, db_sql(db, SQL_LETTERS_STAGE), e) == -1 ||
	    copy_all(db, lines, n, e) == -1 ||
	    db_script(db, db_sql(db, SQL_LETTERS_SAVE), e) == -1)
		return -1;
	if (merge(db, run_row, added, e) == -1) {
		if (!db_fault(db)->data ||
		    db_script(db, db_sql(db, SQL_LETTERS_AGAIN), e) == -1 ||
		    merge(db, run_row, added, e) == -1)
			return -1;
	}
	return db_script(db, db_sql(db, SQL_LETTERS_DONE), e);
}

int
letters_put(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	int64_t ignored;

	if (added == NULL)
		added = &ignored;
	*added = 0;
	if (n == 0)
		return 0;
	if (db_kind(db) == DB_SQLITE)
		return store_each(db, lines, n, run_row, added, e);
	return store_all(db, lines, n, run_row, added, e);
}

int
letter_check(const char *line, size_t len, struct err *e)
{
	struct letter_line l;
	int rc;

	letter_line_init(&l);
	rc = letter_line_read(&l, line, len, e);
	letter_line_release(&l);
	return rc;
}
