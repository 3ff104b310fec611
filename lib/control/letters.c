#include "control/letters.h"

#include "control/letter_ids.h"
#include "control/letters_impl.h"
#include "json/write.h"

#include <string.h>

/* If the id of the line is not the id that is computed from its bytes or its
 * key (LETTER_OWN_ID is set), it may be the id of another record's letter. In
 * that case gives the line the id that is computed from its bytes. */
static int
avoid_other_id(struct db *db, struct letter_line *l, struct err *e)
{
	struct db_value v[] = { l->v[LETTER_ID], l->v[LETTER_RAW],
	    l->v[LETTER_PIPELINE], l->v[LETTER_STREAM], l->v[LETTER_STAGE] };
	int64_t other;

	if (l->v[LETTER_OWN_ID].type == DB_NULL)
		return 0;
	if (db_query_int(db, db_sql(db, SQL_LETTER_IS_OTHER), v, 5, 0, &other,
	    e) == -1)
		return -1;
	if (other) {
		l->v[LETTER_ID] = l->v[LETTER_OWN_ID];
		letters_warn_ids(1);
	}
	return 0;
}

/* Called before the letter's bytes are replaced by those of a new occurrence:
 * copies the present bytes to the earlier occurrences that have them. */
static int
keep_old_bytes(struct db *db, const struct db_value *reject_id, struct err *e)
{
	struct db_rows *r;
	struct buf raw;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_LETTER_BYTES), reject_id, 1, e) ==
	    -1)
		return -1;
	buf_init(&raw, SIZE_MAX / 4);
	if ((rc = db_next(r, e)) == 1)
		buf_add(&raw, db_column(r, 0).p, db_column(r, 0).len);
	db_end(r);
	if (rc == 1 && buf_check(&raw, e) == -1)
		rc = -1;
	if (rc == 1) {
		struct db_value v[] = { *reject_id, { .type = DB_BLOB,
		    .p = raw.data != NULL ? raw.data : "",
		    .len = raw.len } };

		rc = db_run(db, db_sql(db, SQL_LETTER_KEEP_BYTES), v, 2, NULL,
		    e);
	}
	buf_release(&raw);
	return rc == -1 ? -1 : 0;
}

/* An occurrence is one rejection of a record; its id is unique. Returns 1 if
 * the rejection that the line describes was stored, 0 if an earlier call has
 * stored it, and -1 on failure. */
static int
store_occurrence(struct db *db, struct letter_line *l, int64_t run_row,
    struct err *e)
{
	struct db_value v[LETTER_COLUMNS + 1], row = run_row_or_null(run_row);
	enum { NEW, KNOWN, NEW_WITH_OTHER_BYTES };
	int64_t state, id;

	if (avoid_other_id(db, l, e) == -1)
		return -1;
	struct db_value line[] = { l->v[LETTER_OCCURRENCE], l->v[LETTER_ID],
	    l->v[LETTER_RAW] };

	if (db_query_int(db, db_sql(db, SQL_LETTER_STATE), line, 3, 0, &state,
	    e) == -1)
		return -1;
	if (state == KNOWN)
		return 0;
	if (state == NEW_WITH_OTHER_BYTES &&
	    keep_old_bytes(db, &l->v[LETTER_ID], e) == -1)
		return -1;
	memcpy(v, l->v, LETTER_COLUMNS * sizeof(v[0]));
	v[LETTER_COLUMNS] = row;
	if (db_query_int(db, db_sql(db, SQL_LETTER_STORE), v,
	    LETTER_COLUMNS + 1, 0, &id, e) == -1)
		return -1;
	struct db_value attempt[] = { DB_I(id), l->v[LETTER_OCCURRENCE], row,
	    l->v[LETTER_AT], l->v[LETTER_MESSAGE] };

	return db_run(db, db_sql(db, SQL_LETTER_ATTEMPT), attempt, 5, NULL,
	    e) == -1 ? -1 : 1;
}

/* Stores the lines in SQLite at once, and adds the number of new occurrences to
 * *added. */
static int
store_sqlite(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	struct letter_line l;
	int rc = 0;

	letter_line_init(&l);
	for (size_t i = 0; i < n && rc != -1; i++) {
		rc = letter_line_parse(&l, lines[i].p, lines[i].len, e);
		if (rc == 0)
			rc = store_occurrence(db, &l, run_row, e);
		if (rc == 1)
			++*added;
	}
	letter_line_release(&l);
	return rc == -1 ? -1 : 0;
}

/* The rows of dead_letters may be updated in any order: SQLite has one writer
 * at a time, so two loaders cannot deadlock as on PostgreSQL. */
static int
resolve_sqlite(struct db *db, const struct letter_replays *r, struct err *e)
{
	const struct letter_group *of = &r->of;
	int64_t changed;

	for (size_t i = 0; i < r->n; i++) {
		struct letter_replay *one = &r->v[i];
		struct db_value p[] = { db_text(one->id), DB_I(one->seen),
		    DB_I(one->upto), db_text(r->run), db_text(of->pipeline),
		    db_text(of->stream), db_text(of->stage),
		    db_text(of->target) };

		if (one->stays)
			continue;
		if (db_run(db, db_sql(db, SQL_LETTER_RESOLVE), p, 8,
		    &changed, e) == -1)
			return -1;
		one->lost = changed != 1;
	}
	return 0;
}

int
letters_add(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e)
{
	int64_t ignored = 0;

	if (n == 0)
		return 0;
	if (db_kind(db) == DB_POSTGRESQL)
		return letters_copy(db, lines, n, e);
	return store_sqlite(db, lines, n, run_row,
	    added != NULL ? added : &ignored, e);
}

int
letters_add_line(struct db *db, struct buf *line, int64_t run_row,
    int64_t *added, struct err *e)
{
	const struct letter_text text = { line->data, line->len };
	struct letter_line l;
	int rc;

	if (db_kind(db) == DB_POSTGRESQL) {
		rc = letters_copy(db, &text, 1, e);
		buf_release(line);
		return rc;
	}
	letter_line_init(&l);
	rc = letter_line_parse(&l, line->data, line->len, e);
	buf_release(line);
	if (rc == 0)
		rc = store_occurrence(db, &l, run_row, e);
	if (rc == 1 && added != NULL)
		++*added;
	letter_line_release(&l);
	return rc == -1 ? -1 : 0;
}

int
letters_finish(struct db *db, const struct letter_replays *replays,
    int64_t run_row, int64_t *added, struct err *e)
{
	static const struct letter_replays none = { .n = 0 };
	int64_t ignored = 0;

	if (replays == NULL)
		replays = &none;
	for (size_t i = 0; i < replays->n; i++)
		replays->v[i].lost = !replays->v[i].stays;
	if (db_kind(db) == DB_SQLITE)
		return resolve_sqlite(db, replays, e);
	return letters_merge(db, replays, run_row,
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
	if (letters_add(db, lines, n, run_row, added, e) == -1)
		return -1;
	return letters_finish(db, NULL, run_row, added, e);
}

/* Reads the times of n letters, whose ids fit into one parameter. */
static int
read_times_page(struct db *db, const struct letter_replay *v, size_t n,
    size_t first, letter_take_time *take, void *self, struct err *e)
{
	struct db_rows *r = NULL;
	struct db_value ids;
	struct buf b;
	int64_t i;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	for (size_t k = 0; k < n; k++) {
		buf_char(&b, k == 0 ? '[' : ',');
		json_put_string(&b, v[first + k].id, strlen(v[first + k].id));
	}
	buf_char(&b, ']');
	ids = db_text(buf_text(&b));
	if ((rc = buf_check(&b, e)) == 0)
		rc = db_query(db, &r, db_sql(db, SQL_LETTERS_TIMES), &ids, 1,
		    e);
	if (rc == 0) {
		while ((rc = db_next(r, e)) == 1) {
			i = db_column(r, 0).i;
			if (i >= 0 && (size_t)i < n &&
			    db_column(r, 1).type == DB_TEXT)
				take(self, first + (size_t)i,
				    db_column(r, 1).p);
		}
		db_end(r);
	}
	buf_release(&b);
	return rc;
}

int
letters_read_times(struct db *db, const struct letter_replay *v, size_t n,
    letter_take_time *take, void *self, struct err *e)
{
	enum { PAGE = 1000 };
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += PAGE)
		rc = read_times_page(db, v, n - i < PAGE ? n - i : PAGE, i,
		    take, self, e);
	return rc;
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
