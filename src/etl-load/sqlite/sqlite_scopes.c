#include "sqlite/sqlite_scopes.h"

#include "sqlite/sqlite_value.h"

int
lite_scopes_init(struct lite_scopes *s, struct db *db, const struct target *t,
    struct err *e)
{
	*s = (struct lite_scopes){ .db = db, .target = t };
	keyset_init(&s->done);
	return lite_tuple_init(&s->tuple, &t->scope, e);
}

void
lite_scopes_release(struct lite_scopes *s)
{
	db_stmt_free(s->delete);
	lite_tuple_release(&s->tuple);
	keyset_release(&s->done);
}

/* The operator IS also finds NULL. It compares with the collation of the
 * column: values that are equal in this collation are one scope. */
static int
prepare_delete(struct lite_scopes *s, struct err *e)
{
	const struct target *t = s->target;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "DELETE FROM %s", t->table->quoted);
	if (t->scope_where != NULL)
		buf_printf(&b, " WHERE %s", t->scope_where);
	for (size_t i = 0; t->scope_where == NULL && i < t->scope.n; i++)
		buf_printf(&b, "%s%s IS $%zu", i > 0 ? " AND " : " WHERE ",
		    t->table->columns[t->scope.columns[i]].quoted, i + 1);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = db_prepare(s->db, &s->delete, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

int
lite_scopes_start(struct lite_scopes *s, struct err *e)
{
	keyset_clear(&s->done);
	return s->delete != NULL ? 0 : prepare_delete(s, e);
}

/* Deletes the rows of the scope in s->tuple, unless this was done before. */
static int
delete_rows_of_new_scope(struct lite_scopes *s, struct err *e)
{
	const struct lite_tuple *t = &s->tuple;
	size_t at = s->done.bytes.len;
	int64_t deleted = 0;
	bool nomem;

	for (size_t i = 0; i < t->columns->n; i++)
		sqlite_put_value_bytes(&s->done.bytes, &t->values[i]);
	if (keyset_add_or_find(&s->done, at, 0, &nomem) != NULL)
		return 1;
	if (nomem)
		return err_nomem(e);
	if (s->done.bytes.len > REMEMBERED_MAX)
		keyset_clear(&s->done);
	if (db_stmt_run_for_first_row(s->delete, t->values, t->columns->n,
	    NULL, &deleted, e) == -1)
		return -1;
	s->sums->removed += (uint64_t)deleted;
	return 1;
}

static int
read_and_delete_scope(
    void *self, struct reader *r, const struct line *l, struct err *e)
{
	struct lite_scopes *s = self;
	int rc = lite_tuple_read(&s->tuple, r, l, e);

	return rc == 1 ? delete_rows_of_new_scope(s, e) : rc;
}

int
lite_scopes_delete_rows(struct lite_scopes *s, struct outcome *o,
    uint64_t *unreadable, struct err *e)
{
	s->sums = &o->sums;
	return chunk_for_each_record(
	    o, read_and_delete_scope, s, unreadable, e);
}

int
lite_scopes_check_references(struct lite_scopes *s, struct err *e)
{
	if (db_count_missing_references(s->db) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: rows that the load "
	    "replaces are referred to by a foreign key that is INITIALLY "
	    "DEFERRED: load with --mode upsert, or change the foreign key",
	    s->target->table->name);
}
