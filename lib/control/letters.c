#include "control/letters.h"

#include "control/letters_impl.h"

#include <string.h>

/* An occurrence is one rejection of a record; its id is unique. Returns 1 if
 * the rejection that the line describes was stored, 0 if an earlier call has
 * stored it, and -1 on failure. */
static int
store_letter_if_new_occurrence_sqlite(
    struct db *db, const struct letter_line *l, int64_t run_row, struct err *e)
{
	struct db_value v[LETTER_N + 1], row = run_row_or_null(run_row);
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
store_letters_sqlite(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	struct letter_line l;
	int rc = 0;

	letter_line_init(&l);
	for (size_t i = 0; i < n && rc != -1; i++) {
		rc = letter_line_parse(&l, lines[i].p, lines[i].len, e);
		if (rc == 0)
			rc = store_letter_if_new_occurrence_sqlite(
			    db, &l, run_row, e);
		if (rc == 1)
			++*added;
	}
	letter_line_release(&l);
	return rc == -1 ? -1 : 0;
}

/* The rows of dead_letters may be updated in any order: SQLite has one writer
 * at a time, so two loaders cannot deadlock as on PostgreSQL. */
static int
resolve_letters_sqlite(struct db *db, struct letter_replay *v, size_t n,
    const char *run, struct err *e)
{
	int64_t changed;

	for (size_t i = 0; i < n; i++) {
		struct db_value p[] = { db_text(v[i].id), DB_I(v[i].seen),
		    DB_I(v[i].upto), db_text(run) };

		if (db_run(db, db_sql(db, SQL_LETTER_RESOLVE), p, 4,
		    &changed, e) == -1)
			return -1;
		v[i].lost = changed != 1;
	}
	return 0;
}

int
letters_store_or_queue_in_temp(struct db *db, const struct letter_text *lines,
    size_t n, int64_t run_row, int64_t *added, struct err *e)
{
	int64_t ignored = 0;

	if (n == 0)
		return 0;
	if (db_kind(db) == DB_POSTGRESQL)
		return letters_copy_to_temp(db, lines, n, e);
	return store_letters_sqlite(db, lines, n, run_row,
	    added != NULL ? added : &ignored, e);
}

int
letters_add_and_release_line(struct db *db, struct buf *line, int64_t run_row,
    int64_t *added, struct err *e)
{
	const struct letter_text text = { line->data, line->len };
	struct letter_line l;
	int rc;

	if (db_kind(db) == DB_POSTGRESQL) {
		rc = letters_copy_to_temp(db, &text, 1, e);
		buf_release(line);
		return rc;
	}
	letter_line_init(&l);
	rc = letter_line_parse(&l, line->data, line->len, e);
	buf_release(line);
	if (rc == 0)
		rc = store_letter_if_new_occurrence_sqlite(db, &l, run_row, e);
	if (rc == 1 && added != NULL)
		++*added;
	letter_line_release(&l);
	return rc == -1 ? -1 : 0;
}

int
letters_store_queued_and_resolve(struct db *db, struct letter_replay *v,
    size_t n, const char *run, int64_t run_row, int64_t *added, struct err *e)
{
	int64_t ignored = 0;

	for (size_t i = 0; i < n; i++)
		v[i].lost = true;
	if (db_kind(db) == DB_SQLITE)
		return resolve_letters_sqlite(db, v, n, run, e);
	return letters_merge_and_resolve(db, v, n, run, run_row,
	    added != NULL ? added : &ignored, e);
}

int
letters_store(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	int64_t ignored;

	if (added == NULL)
		added = &ignored;
	*added = 0;
	if (n == 0)
		return 0;
	if (letters_store_or_queue_in_temp(db, lines, n, run_row, added, e) ==
	    -1)
		return -1;
	return letters_store_queued_and_resolve(
	    db, NULL, 0, NULL, run_row, added, e);
}

int
letter_check_line(const char *line, size_t len, struct err *e)
{
	struct letter_line l;
	int rc;

	letter_line_init(&l);
	rc = letter_line_parse(&l, line, len, e);
	letter_line_release(&l);
	return rc;
}
