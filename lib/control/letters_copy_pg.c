#include "base/hex.h"
#include "base/text.h"
#include "control/letter_ids.h"
#include "control/letters_impl.h"

#include <inttypes.h>
#include <string.h>

enum { CHUNK = 64 << 10 };

/* Sends the buffered bytes to the server as data of the running COPY statement
 * and empties the buffer, but only if it holds at least `least` bytes. */
static int
flush_copy(struct db *db, struct buf *b, size_t least, struct err *e)
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

/* Sends the bytes as a hex field of COPY, a part at a time. */
static int
copy_hex_field(struct db *db, struct buf *b, const struct db_value *v,
    struct err *e)
{
	buf_str(b, "\\\\x");
	for (size_t i = 0, n; i < v->len; i += n) {
		n = v->len - i < CHUNK ? v->len - i : CHUNK;
		hex_append(b, v->p + i, n);
		if (flush_copy(db, b, CHUNK, e) == -1)
			return -1;
	}
	return 0;
}

static int
copy_text_field(struct db *db, struct buf *b, const struct db_value *v,
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
		if (flush_copy(db, b, CHUNK, e) == -1)
			return -1;
	}
	return 0;
}

static bool
is_ascii(const struct db_value *v)
{
	for (size_t i = 0; i < v->len; i++)
		if ((unsigned char)v->p[i] > 0x7f)
			return false;
	return true;
}

/* Called if the encoding of the database, such as LATIN1, cannot hold all
 * characters. Replaces message, pointer and origin by ASCII texts with escapes.
 * The column raw still holds the exact bytes of the rejected record; raw_data,
 * its copy as JSON, becomes NULL if it is not ASCII. Stage, code and pipeline
 * stay as they are. */
static int
reduce_to_ascii(struct letter_line *l, struct buf *b, struct err *e)
{
	static const enum letter_field texts[] = { LETTER_MESSAGE,
	    LETTER_POINTER, LETTER_ORIGIN };
	const size_t n = sizeof(texts) / sizeof(texts[0]);
	size_t at[sizeof(texts) / sizeof(texts[0]) + 1] = { 0 };

	if (l->v[LETTER_RAW_DATA].type == DB_TEXT &&
	    !is_ascii(&l->v[LETTER_RAW_DATA]))
		l->v[LETTER_RAW_DATA] = db_text(NULL);
	buf_clear(b);
	for (size_t i = 0; i < n; i++) {
		struct db_value *v = &l->v[texts[i]];

		if (v->type == DB_TEXT)
			text_put_ascii(b, v->p, v->len);
		at[i + 1] = b->len;
	}
	if (buf_check(b, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (l->v[texts[i]].type == DB_TEXT) {
			l->v[texts[i]].p = b->data + at[i];
			l->v[texts[i]].len = at[i + 1] - at[i];
		}
	return 0;
}

static int
copy_letter(struct db *db, struct buf *b, const struct letter_line *l,
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
			rc = copy_hex_field(db, b, v, e);
		else
			rc = copy_text_field(db, b, v, e);
	}
	buf_char(b, '\n');
	return rc == 0 ? flush_copy(db, b, CHUNK, e) : rc;
}

int
letters_copy(struct db *db, const struct letter_text *lines, size_t n,
    struct err *e)
{
	struct letter_line l;
	struct buf b, ascii;
	int rc, limited;

	if (db_script(db, db_sql(db, SQL_LETTERS_STAGE), e) == -1 ||
	    (limited = db_lacks_unicode(db, e)) == -1)
		return -1;
	letter_line_init(&l);
	buf_init(&b, SIZE_MAX / 4);
	buf_init(&ascii, SIZE_MAX / 4);
	rc = db_copy_begin(db, db_sql(db, SQL_LETTERS_COPY), e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = letter_line_parse(&l, lines[i].p, lines[i].len, e);
		if (rc == 0 && limited)
			rc = reduce_to_ascii(&l, &ascii, e);
		if (rc == 0)
			rc = copy_letter(db, &b, &l, e);
	}
	if (rc == 0)
		rc = flush_copy(db, &b, 1, e);
	if (rc == 0)
		rc = db_copy_end(db, NULL, e);
	buf_release(&ascii);
	buf_release(&b);
	letter_line_release(&l);
	return rc;
}

/* Merges the rows of the temporary table into dead_letters. Adds the number of
 * new occurrences to *added. Sets *changed to the number of lines that were
 * stored under another id than theirs (letters_warn_ids()). */
static int
merge_letters(struct db *db, const struct db_value *row, int64_t *added,
    int64_t *changed, struct err *e)
{
	int64_t more;

	if (db_run(db, db_sql(db, SQL_LETTERS_LOCK), NULL, 0, NULL, e) == -1 ||
	    db_run(db, db_sql(db, SQL_LETTERS_CHANGE_IDS), NULL, 0, changed,
	    e) == -1 ||
	    db_query_int(db, db_sql(db, SQL_LETTERS_MERGE), row, 1, 0, &more,
	    e) == -1)
		return -1;
	*added += more;
	return 0;
}

/* Copies the letters that the replay resolves to a temporary table. */
static int
copy_replays(struct db *db, const struct letter_replay *v, size_t n,
    struct err *e)
{
	struct db_value id;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	rc = db_copy_begin(db, db_sql(db, SQL_LETTERS_COPY_RESOLVES), e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (v[i].stays)
			continue;
		id = db_text(v[i].id);
		buf_printf(&b, "%zu\t", i);
		rc = copy_text_field(db, &b, &id, e);
		buf_printf(&b, "\t%" PRId64 "\t%" PRId64 "\n", v[i].seen,
		    v[i].upto);
		if (rc == 0)
			rc = flush_copy(db, &b, CHUNK, e);
	}
	if (rc == 0)
		rc = flush_copy(db, &b, 1, e);
	if (rc == 0)
		rc = db_copy_end(db, NULL, e);
	buf_release(&b);
	return rc;
}

/* Resolves the letters of the temporary table, and clears `lost` of those that
 * were found. */
static int
resolve_letters(struct db *db, const struct letter_replays *replays,
    struct err *e)
{
	const struct letter_group *of = &replays->of;
	struct db_value v[] = { db_text(replays->run), db_text(of->pipeline),
	    db_text(of->stream), db_text(of->stage), db_text(of->target) };
	struct db_rows *r;
	int64_t i;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_LETTERS_RESOLVE), v, 5, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		i = db_column(r, 0).i;
		if (i >= 0 && (size_t)i < replays->n)
			replays->v[i].lost = false;
	}
	db_end(r);
	return rc;
}

/* Returns true if the server refused a record's text as jsonb (column
 * raw_data). A database in the encoding SQL_ASCII refuses it with SQLSTATE
 * 0A000, because it cannot convert the escapes of JSON into characters. */
static bool
is_json_refused(const struct db_fault *f)
{
	return f->data || strcmp(f->sqlstate, "0A000") == 0;
}

/* Call this in the transaction in which letters_copy() has copied rows into the
 * temporary table. Without a transaction these rows would be lost at the end of
 * COPY, because the table has ON COMMIT DELETE ROWS. The statement SAVEPOINT,
 * which fails outside a transaction, reports this mistake. */
int
letters_merge(struct db *db, const struct letter_replays *r, int64_t run_row,
    int64_t *added, struct err *e)
{
	struct db_value row = run_row_or_null(run_row);
	int64_t changed = 0;

	if (db_script(db, db_sql(db, SQL_LETTERS_STAGE), e) == -1 ||
	    (r->n > 0 && copy_replays(db, r->v, r->n, e) == -1) ||
	    db_script(db, db_sql(db, SQL_LETTERS_SAVEPOINT), e) == -1)
		return -1;
	if (merge_letters(db, &row, added, &changed, e) == -1) {
		if (!is_json_refused(db_fault(db)) ||
		    db_script(db, db_sql(db, SQL_LETTERS_WITHOUT_JSON), e) ==
			-1 ||
		    merge_letters(db, &row, added, &changed, e) == -1)
			return -1;
	}
	letters_warn_ids(changed);
	if (r->n > 0 && resolve_letters(db, r, e) == -1)
		return -1;
	if (db_script(db, db_sql(db, SQL_LETTERS_CLEAR_STAGE), e) == -1)
		return -1;
	return !db_is_pooled(db) ? 0 :
	    db_script(db, db_sql(db, SQL_LETTERS_DROP_STAGE), e);
}
