#include "sqlite/sqlite_changes.h"

#include "sqlite/sqlite_sql.h"

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

int
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

enum lite_result
lite_apply_change(struct lite_store *s,
    struct lite_statements *st, const struct shape *shape, struct err *e)
{
	return s->change->operation == OPERATION_DELETE ?
	    delete_row(s, st, shape, e) :
	    move_row(s, st, shape, e);
}
