#include "sqlite/sqlite_store.h"

#include "base/datetime.h"
#include "columns_sql.h"
#include "row.h"
#include "sqlite/sqlite_codec.h"
#include "sqlite/sqlite_sql.h"

#include <stdlib.h>
#include <string.h>

void
lite_free_statements(struct lite_store *s)
{
	for (size_t i = 0; i < s->nshapes; i++) {
		db_stmt_free(s->by_shape[i].insert);
		db_stmt_free(s->by_shape[i].insert_group);
		db_stmt_free(s->by_shape[i].update);
		db_stmt_free(s->by_shape[i].seen);
		db_stmt_free(s->by_shape[i].newer);
		db_stmt_free(s->by_shape[i].find);
		db_stmt_free(s->by_shape[i].find_old);
		db_stmt_free(s->by_shape[i].move);
		db_stmt_free(s->by_shape[i].remove);
		db_stmt_free(s->by_shape[i].late);
		db_stmt_free(s->by_shape[i].late_delete);
		db_stmt_free(s->by_shape[i].late_move);
		lite_history_free(&s->by_shape[i].history);
	}
	free(s->by_shape);
	s->by_shape = NULL;
	s->nshapes = 0;
}

/* Frees the text. */
static int
prepare_text(struct db *db, struct db_stmt **stmt, struct buf *text,
    struct err *e)
{
	int rc = -1;

	(void)buf_text(text);
	if (buf_check(text, e) == 0)
		rc = db_prepare(db, stmt, buf_text(text), e);
	buf_release(text);
	return rc;
}

int
lite_prepare_once(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, lite_statement_text *text, struct err *e)
{
	struct buf b;

	if (*stmt != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 2);
	text(&b, s->target, shape);
	return prepare_text(s->db, stmt, &b, e);
}

/* Prepares the statement that inserts s->group_records records of this shape at
 * once, unless this was done before. */
static int
lite_prepare_group(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, struct err *e)
{
	struct buf b;

	if (*stmt != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 2);
	sqlite_put_insert_group(
	    &b, s->target, shape, s->group_records, s->group_aborts);
	return prepare_text(s->db, stmt, &b, e);
}

/* Sets s->group_aborts to true if a group must be inserted as a whole or not at
 * all. This is so if SQLite does work at the end of a statement, which a
 * failure would skip: checking foreign keys, and storing the highest number of
 * an AUTOINCREMENT column. Otherwise, the records before a refused record may
 * stay inserted. */
static int
set_group_aborts(struct lite_store *s, struct err *e)
{
	static const char sql[] =
	    "SELECT EXISTS (SELECT 1 FROM pragma_foreign_key_list($1, $2))"
	    " OR EXISTS (SELECT 1 FROM (SELECT name, sql FROM sqlite_schema"
	    " UNION ALL SELECT name, sql FROM sqlite_temp_schema)"
	    " WHERE name = $1 COLLATE NOCASE AND sql LIKE '%AUTOINCREMENT%')";
	const struct table *t = s->target->table;
	struct db_value v[] = { db_text(t->base), db_text(t->schema) };
	int64_t aborts;

	if (db_query_int(s->db, sql, v, 2, 0, &aborts, e) == -1)
		return -1;
	s->group_aborts = aborts != 0;
	return 0;
}

/* Limits the number of records in a group that is inserted as a whole or not at
 * all. For such a statement SQLite keeps a copy of each page that it changes:
 * in memory up to DB_STATEMENT_PAGES bytes, then in a file, which takes more
 * time than the group saves.
 * Each record changes about one page of each index. If the primary key has no
 * index, the table itself may be in the order of the key, and counts as an
 * index. Half of the memory is left for pages that SQLite splits, and for their
 * neighbours. */
static int
limit_group(struct lite_store *s, size_t *records, struct err *e)
{
	static const char sql[] = "SELECT page_size * (SELECT count(*) + "
	    "(count(*) FILTER (WHERE origin = 'pk') = 0) "
	    "FROM pragma_index_list($1, $2)) FROM pragma_page_size";
	enum { PAGES = DB_STATEMENT_PAGES / 2 };
	const struct table *t = s->target->table;
	struct db_value v[] = { db_text(t->base), db_text(t->schema) };
	int64_t changed;

	if (db_query_int(s->db, sql, v, 2, 0, &changed, e) == -1)
		return -1;
	if (changed > 0 && *records > (size_t)(PAGES / changed))
		*records = (size_t)(PAGES / changed);
	return 0;
}

/* Sets s->group_records to the number of records that one statement may insert,
 * or to 0 if the records must be inserted one by one. */
static int
lite_set_group_size(struct lite_store *s, struct err *e)
{
	enum { RECORDS = 64, VALUES = 2000 };
	size_t n = VALUES / sqlite_max_values(s->target);

	if (set_group_aborts(s, e) == -1 ||
	    (s->group_aborts && limit_group(s, &n, e) == -1))
		return -1;
	s->group_records = n > RECORDS ? RECORDS : n < 2 ? 0 : n;
	return 0;
}

/* Sets s->may_leave_changes to true if a refused record may leave some of its
 * changes in the database. This is so if the database has a trigger, or a table
 * with ON CONFLICT FAIL. An upsert runs an INSERT and then an UPDATE: if the
 * UPDATE fails, the changes of a trigger on INSERT stay. ON CONFLICT FAIL and
 * RAISE(FAIL) keep the changes that the failed statement itself has made. */
static int
read_leaves_changes(struct lite_store *s, struct err *e)
{
	static const char sql[] = "SELECT count(*) FROM (SELECT type, sql FROM "
	    "sqlite_schema UNION ALL SELECT type, sql FROM sqlite_temp_schema) "
	    "WHERE type = 'trigger' OR sql LIKE '%CONFLICT%FAIL%'";
	int64_t n;

	if (db_query_int(s->db, sql, NULL, 0, 0, &n, e) == -1)
		return -1;
	s->may_leave_changes = n > 0;
	return 0;
}

static int
read_self_reference(struct lite_store *s, struct err *e)
{
	static const char sql[] = "SELECT count(*) FROM "
	    "pragma_foreign_key_list($1) WHERE \"table\" = $1 COLLATE NOCASE";
	struct db_value v = db_text(s->target->table->base);
	int64_t n;

	if (db_query_int(s->db, sql, &v, 1, 0, &n, e) == -1)
		return -1;
	/* In --mode cdc no record waits for a later one, because changes must
	 * be applied in their order. */
	s->refers_to_itself = n > 0 && !s->target->mode->changes;
	return 0;
}

/* Sets s->may_leave_changes and s->refers_to_itself. */
static int
lite_read_traits(struct lite_store *s, struct err *e)
{
	return read_leaves_changes(s, e) == -1 ? -1 : read_self_reference(s, e);
}

static enum lite_result
refuse_missing(struct lite_store *s)
{
	s->fault = (struct db_fault){ .data = true };
	(void)err_set(&s->why, ERR_DATA, false, "%s",
	    change_missing_why(s->change->operation));
	return LITE_REFUSED;
}

/* Prepares the statement if it is not prepared yet, and runs it. Sets *changed
 * to the number of changed rows. */
static int
run_prepared(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, lite_statement_text *text,
    int64_t *changed, struct err *e)
{
	size_t n = shape->n + 1 + s->target->nkey;

	return lite_prepare_once(s, stmt, shape, text, e) == -1 ? -1 :
	    db_stmt_run(*stmt, s->values, n, NULL, changed, e);
}

/* Sets *found to true if the table has a row with the key of the record or,
 * with `old`, with the old key. */
static int
lite_find_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, bool old, bool *found, struct err *e)
{
	struct db_stmt **stmt = old ? &st->find_old : &st->find;
	struct db_rows *row = NULL;

	if (lite_prepare_once(s, stmt, shape, old ?
		sqlite_put_find_old : sqlite_put_find, e) == -1 ||
	    db_stmt_run(*stmt, s->values,
	    shape->n + 1 + (old ? s->target->nkey : 0), &row, NULL, e) == -1)
		return -1;
	*found = row != NULL;
	return 0;
}

/* With --strict, refuses the change if there is no such row. */
static enum lite_result
delete_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct err *e)
{
	int64_t deleted = 0;

	if (run_prepared(s, &st->remove, shape, sqlite_put_delete, &deleted,
	    e) == -1)
		return LITE_FAILED;
	if (deleted == 0 && s->target->strict)
		return refuse_missing(s);
	return deleted > 0 ? LITE_DELETED : LITE_MISSED;
}

/* If the update changes the key, updates the row with the old key. The update
 * leaves a row alone that is already as the record says: the two keys may be
 * spellings of one value. If there is no row with the old key, the update may
 * have been applied before. Then this function looks for the row with the new
 * key, which the caller updates; --strict wants the row with the old key. If
 * the update does not change the key, the function only looks for its row. */
static enum lite_result
move_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct err *e)
{
	bool found = false;
	int64_t moved = 0;

	if (s->change->moves &&
	    run_prepared(s, &st->move, shape, sqlite_put_move, &moved, e) == -1)
		return LITE_FAILED;
	if (moved > 0)
		return LITE_UPDATED;
	if (lite_find_row(s, st, shape,
	    s->change->moves && s->target->strict, &found, e) == -1)
		return LITE_FAILED;
	if (found)
		return LITE_FOUND;
	return s->target->strict ? refuse_missing(s) : LITE_NOT_FOUND;
}

static enum lite_result
lite_apply_change(struct lite_store *s,
    struct lite_statements *st, const struct shape *shape, struct err *e)
{
	return s->change->operation == OPERATION_DELETE ?
	    delete_row(s, st, shape, e) :
	    move_row(s, st, shape, e);
}

static size_t
newer_by_column(const struct target *t)
{
	return (size_t)t->newer_by;
}

/* Appends a query of the row with the record's key. It returns the value of the
 * column, and 1 if SQLite finds this value greater than that of the record. */
static void
sqlite_put_newer(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *column = t->table->columns[newer_by_column(t)].quoted;

	buf_printf(b, "SELECT %s, %s > $%zu FROM %s", column, column,
	    sqlite_get_parameter(s, newer_by_column(t)), t->table->quoted);
	sqlite_put_where_key(b, t, s);
}

/* Runs this query. Returns 1: the row is newer than the record; 0: it is not,
 * or it has NULL in the column, or there is no row; -1 with *e. */
static int
lite_row_is_newer(const struct lite_store *s, struct db_stmt *query,
    const struct shape *shape, struct err *e)
{
	size_t column = newer_by_column(s->target);
	const struct db_value *record =
	    &s->values[sqlite_get_parameter(shape, column) - 1];
	struct db_value row;
	struct db_rows *r;
	struct instant x, y;

	if (db_stmt_run(query, s->values, shape->n + 1, &r, NULL, e) == -1)
		return -1;
	if (r == NULL)
		return 0;
	row = db_column(r, 0);
	if (s->target->table->columns[column].kind == COLUMN_TIME &&
	    row.type == DB_TEXT && record->type == DB_TEXT &&
	    instant_parse(&x, row.p, row.len) &&
	    instant_parse(&y, record->p, record->len))
		return instant_compare(&x, &y) > 0;
	return db_column(r, 1).type == DB_INT && db_column(r, 1).i != 0;
}

int
lite_store_init(struct lite_store *s, struct db *db, const struct target *t,
    struct err *e)
{
	*s = (struct lite_store){ .db = db, .target = t };
	buf_init(&s->scratch, SIZE_MAX / 2);
	if (lite_set_group_size(s, e) == -1)
		return -1;
	s->slots = calloc(s->group_records + 1,
	    sqlite_max_values(t) * sizeof(*s->slots));
	if (s->slots == NULL)
		return err_nomem(e);
	s->values = s->slots;
	if (lite_read_traits(s, e) == -1)
		return -1;
	/* In --mode scd2 a record needs several statements. If one of them
	 * fails, the changes of the others must be undone. */
	s->may_leave_changes |= t->mode->history;
	return 0;
}

void
lite_store_release(struct lite_store *s)
{
	lite_free_statements(s);
	buf_release(&s->scratch);
	free(s->slots);
	s->values = s->slots = NULL;
}

static bool
uses_savepoint(const struct lite_store *s)
{
	return s->careful || s->may_leave_changes;
}

struct lite_statements *
lite_get_statements(
    struct lite_store *s, const struct shape *shape, struct err *e)
{
	struct lite_statements *p;

	if (shape->id >= s->nshapes) {
		p = realloc(s->by_shape, (shape->id + 1) * sizeof(*p));
		if (p == NULL) {
			(void)err_nomem(e);
			return NULL;
		}
		s->by_shape = p;
		memset(p + s->nshapes, 0,
		    (shape->id + 1 - s->nshapes) * sizeof(*p));
		s->nshapes = shape->id + 1;
	}
	p = &s->by_shape[shape->id];
	if (p->insert == NULL)
		p->finds_first = shape_lacks_column(s->target, shape, true);
	return !s->target->mode->history &&
	    lite_prepare_once(s, &p->insert, shape, sqlite_put_insert,
	    e) == -1 ? NULL : p;
}

int
lite_delete_all(struct lite_store *s, uint64_t *removed, struct err *e)
{
	int64_t deleted = 0;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "DELETE FROM %s", s->target->table->quoted);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = db_run(s->db, buf_text(&b), NULL, 0, &deleted, e);
	buf_release(&b);
	*removed += (uint64_t)deleted;
	return rc;
}

static size_t
old_key_max_size(struct reader *r, const struct line *l)
{
	size_t size;

	if (!r->change.moves)
		return 0;
	reader_swap_key(r);
	size = row_max_size(r, r->shape, l);
	reader_swap_key(r);
	return size;
}

/* Converts the old key of an update that changes the key. Its values follow the
 * time in s->values. */
static int
convert_old_key(struct lite_store *s, struct reader *r, struct reject *why)
{
	struct db_value *v = s->values + r->shape->n + 1;
	int rc = 1;

	reader_swap_key(r);
	for (size_t i = 0; i < r->shape->n && rc == 1; i++)
		rc = sqlite_convert(&v[i], r, r->shape->columns[i], &s->scratch,
		    why);
	reader_swap_key(r);
	return rc;
}

int
lite_convert(struct lite_store *s, struct reader *r, const struct line *l,
    struct reject *why, struct err *e)
{
	const struct shape *shape;
	size_t used;
	int rc = reader_read(r, l, why, e);

	if (rc != 1)
		return rc;
	if (s->values == s->slots)
		buf_clear(&s->scratch);
	used = s->scratch.len;
	s->change = s->target->mode->changes ? &r->change : NULL;
	shape = r->shape;
	if (!buf_reserve(&s->scratch, row_max_size(r, shape, l) +
	    old_key_max_size(r, l) + 1))
		return buf_check(&s->scratch, e);
	for (size_t i = 0; i < shape->n; i++)
		if (sqlite_convert(&s->values[i], r, shape->columns[i],
		    &s->scratch, why) == 0) {
			s->scratch.len = used;
			return 0;
		}
	s->as_of = r->as_of;
	s->values[shape->n] = (struct db_value){ .type = DB_TEXT,
		.p = s->now, .len = CLOCK_STAMP - 1 };
	return r->change.moves ? convert_old_key(s, r, why) : 1;
}

/* Sets *newer to true if --newer-by does not allow the record to change its
 * row. The transaction has locked the database, so the row cannot change
 * between this query and its update. */
static int
find_newer_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, bool *newer, struct err *e)
{
	int rc;

	*newer = false;
	if (s->target->newer_by == NO_COLUMN)
		return 0;
	if (lite_prepare_once(s, &st->newer, shape, sqlite_put_newer,
	    e) == -1 ||
	    (rc = lite_row_is_newer(s, st->newer, shape, e)) == -1)
		return -1;
	*newer = rc == 1;
	return 0;
}

/* Called in an upsert if the table already has a row with the record's key.
 * Updates this row if it differs from the record in a column that --compare
 * names (default: in any column of the record), unless the row is newer. If the
 * row is not updated, sets only its column of --seen. */
static enum lite_result
update_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct err *e)
{
	int64_t changed = 0;
	bool newer;

	if (find_newer_row(s, st, shape, &newer, e) == -1)
		return LITE_FAILED;
	if (!newer && shape_can_change(s->target, shape) &&
	    (lite_prepare_once(
		s, &st->update, shape, sqlite_put_update, e) == -1 ||
	    db_stmt_run(st->update, s->values,
		shape->n + 1, NULL, &changed, e) == -1))
		return LITE_FAILED;
	if (changed > 0)
		return LITE_UPDATED;
	if (s->target->seen != NO_COLUMN &&
	    (lite_prepare_once(s, &st->seen, shape, sqlite_put_seen, e) == -1 ||
	    db_stmt_run(st->seen, s->values, shape->n + 1, NULL, NULL,
	    e) == -1))
		return LITE_FAILED;
	return newer ? LITE_SKIPPED : LITE_UNCHANGED;
}

static int
insert_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, bool *inserted, struct err *e)
{
	bool view = s->target->table->view;
	struct db_rows *row = NULL;
	int64_t changed = 0;

	if (db_stmt_run(st->insert, s->values, shape->n + 1, view ? &row : NULL,
	    &changed, e) == -1)
		return -1;
	*inserted = view ? row != NULL : changed > 0;
	return 0;
}

/* A record whose key has a row is an update, or in --mode ignore nothing to do.
 * Returns LITE_NOT_FOUND if there is no such row. */
static enum lite_result
update_found_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct err *e)
{
	bool found;

	if (lite_find_row(s, st, shape, false, &found, e) == -1)
		return LITE_FAILED;
	return !found ? LITE_NOT_FOUND : s->target->mode->skips ?
	    LITE_SKIPPED : update_row(s, st, shape, e);
}

/* Called if the INSERT was refused. SQLite checks NOT NULL and CHECK before it
 * looks for a row with the key. */
static enum lite_result
update_refused(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct err *e)
{
	const struct db_fault fault = *db_fault(s->db);
	const struct err why = *e;
	enum lite_result rc;

	if (!s->target->mode->keyed || !fault.data || fault.ended)
		return LITE_FAILED;
	if (uses_savepoint(s) && db_script(s->db, "ROLLBACK TO etl_row", e) ==
		-1)
		return LITE_FAILED;
	rc = update_found_row(s, st, shape, e);
	if (rc != LITE_NOT_FOUND)
		return rc;
	s->fault = fault;
	s->why = why;
	return LITE_REFUSED;
}

/* Inserts the row of the record or, if its key has a row, updates this row.
 * Applies a change of --mode cdc. */
static enum lite_result
store_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct err *e)
{
	enum lite_result rc = LITE_NOT_FOUND;
	bool inserted;

	if (s->change != NULL && s->change->operation != OPERATION_INSERT)
		rc = lite_apply_change(s, st, shape, e);
	else if (s->target->mode->keyed && (st->finds_first || s->finds_first))
		rc = update_found_row(s, st, shape, e);
	if (rc == LITE_FOUND)
		return update_row(s, st, shape, e);
	if (rc != LITE_NOT_FOUND)
		return rc;
	if (insert_row(s, st, shape, &inserted, e) == -1)
		return update_refused(s, st, shape, e);
	if (inserted)
		return LITE_INSERTED;
	if (s->target->mode->updates)
		return update_row(s, st, shape, e);
	/* Nothing was inserted. If the load has no key, the only possible cause
	 * is a trigger that has suppressed the insert. */
	return s->target->mode->skips ? LITE_SKIPPED : LITE_UNCHANGED;
}

static enum lite_result
store_in_history(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct err *e)
{
	const struct lite_history_record r = { .db = s->db,
		.target = s->target, .shape = shape, .values = s->values,
		.as_of = s->as_of };
	bool inserted, updated;

	if (lite_history_merge(&st->history, &r, &inserted, &updated,
	    e) == -1) {
		if (e->code != ERR_CONFIG)
			return LITE_FAILED;
		/* The history of this key has a time that is not in the
		 * loader's form. */
		s->fault = (struct db_fault){ .data = true };
		s->why = *e;
		return LITE_REFUSED;
	}
	return inserted ? LITE_INSERTED :
	    updated ? LITE_UPDATED : LITE_UNCHANGED;
}

static enum lite_result
store_by_mode(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct err *e)
{
	return s->target->mode->history ? store_in_history(s, st, shape, e) :
	    store_row(s, st, shape, e);
}

/* Called after a statement has failed. Keeps the reason in s->fault and s->why.
 * Returns LITE_REFUSED or LITE_ENDED if the record is the cause. */
static enum lite_result
keep_reason(struct lite_store *s, const struct err *e)
{
	s->fault = *db_fault(s->db);
	s->why = *e;
	return s->fault.ended ? LITE_ENDED :
	    s->fault.data ? LITE_REFUSED : LITE_FAILED;
}

void
lite_fail_reference(struct lite_store *s)
{
	s->fault = (struct db_fault){ .data = true };
	(void)err_set(&s->why, ERR_DATA, false,
	    "FOREIGN KEY constraint failed");
}

/* True if more deferred foreign keys lack their referenced row now than after
 * the last record. */
static bool
lacks_references(struct lite_store *s)
{
	int64_t now = db_count_orphans(s->db);

	if (now > s->missing)
		return true;
	s->missing = now;
	return false;
}

/* Stores the record in a savepoint. If the record is refused, rolls back to the
 * savepoint, so that none of its changes stays in the database.
 * A record is refused if a referenced row is missing, even if the foreign key
 * is deferred. If the table refers to itself, the missing row may come later in
 * the batch. Then the record is refused only if s->careful is set, which means
 * that an earlier try of the batch has ended with missing rows. */
static enum lite_result
store_in_savepoint(struct lite_store *s,
    struct lite_statements *st, const struct shape *shape, struct err *e)
{
	static const char undo[] = "ROLLBACK TO etl_row; RELEASE etl_row";
	enum lite_result rc;

	if (db_script(s->db, "SAVEPOINT etl_row", e) == -1)
		return LITE_FAILED;
	rc = store_by_mode(s, st, shape, e);
	if (rc == LITE_FAILED) {
		rc = keep_reason(s, e);
	} else if ((!s->careful && s->refers_to_itself) ||
	    !lacks_references(s)) {
		return db_script(s->db, "RELEASE etl_row", e) == -1 ?
		    LITE_FAILED : rc;
	} else {
		lite_fail_reference(s);
		rc = LITE_REFUSED;
	}
	return rc == LITE_REFUSED && db_script(s->db, undo, e) == -1 ?
	    LITE_FAILED : rc;
}

/* Called after a statement has succeeded with the result `rc`. If a referenced
 * row is missing now, returns LITE_REPEAT instead. s->careful then makes the
 * next try of the batch find the record that is the cause. */
static enum lite_result
judge_references(struct lite_store *s, enum lite_result rc)
{
	if (s->refers_to_itself || !lacks_references(s))
		return rc;
	s->careful = true;
	return LITE_REPEAT;
}

enum lite_result
lite_store_record(
    struct lite_store *s, const struct shape *shape, struct err *e)
{
	struct lite_statements *st =
	    lite_get_statements(s, shape, e);
	enum lite_result rc;

	if (st == NULL)
		return LITE_FAILED;
	if (uses_savepoint(s)) {
		rc = store_in_savepoint(s, st, shape, e);
		/* A trigger on INSERT has ended the transaction, perhaps for a
		 * record whose key has a row: repeat the batch, and look for
		 * the row first. */
		if (rc != LITE_ENDED || s->finds_first ||
		    !s->target->mode->keyed || s->target->mode->history)
			return rc;
		s->finds_first = true;
		return LITE_REPEAT;
	}
	rc = store_row(s, st, shape, e);
	if (rc == LITE_FAILED)
		return keep_reason(s, e);
	return judge_references(s, rc);
}

/* Called after the statement of a group has refused a record. Sets *stored to
 * the number of records that were inserted. If this is not known, returns
 * LITE_REPEAT. */
static enum lite_result
judge_group(struct lite_store *s, size_t *stored)
{
	if (!s->group_aborts && s->fault.kept == -1) {
		s->group_is_unsafe = true;
		return LITE_REPEAT;
	}
	*stored = s->group_aborts ? 0 : (size_t)s->fault.kept;
	return judge_references(s, LITE_REFUSED);
}

enum lite_result
lite_store_group(struct lite_store *s, const struct shape *shape,
    size_t *stored, struct err *e)
{
	struct lite_statements *st =
	    lite_get_statements(s, shape, e);
	enum lite_result rc;

	if (st == NULL || lite_prepare_group(s, &st->insert_group, shape,
	    e) == -1)
		return LITE_FAILED;
	if (db_stmt_run(st->insert_group, s->slots,
	    s->group_records * sqlite_max_values(s->target), NULL, NULL,
	    e) == -1) {
		rc = keep_reason(s, e);
		return rc != LITE_REFUSED ? rc : judge_group(s, stored);
	}
	*stored = s->group_records;
	return judge_references(s, LITE_INSERTED);
}
