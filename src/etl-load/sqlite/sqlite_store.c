#include "sqlite/sqlite_store.h"

#include "table/columns_sql.h"
#include "sqlite/sqlite_changes.h"
#include "sqlite/sqlite_newer.h"
#include "sqlite/sqlite_sql.h"
#include "sqlite/sqlite_value.h"
#include "table/row_values.h"

#include <stdlib.h>
#include <string.h>

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
