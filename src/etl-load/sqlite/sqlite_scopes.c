#include "sqlite/sqlite_scopes.h"

#include "base/stop.h"
#include "sqlite/sqlite_value.h"
#include "table/row_values.h"
#include "table/scope.h"

#include <stdlib.h>

enum {
	STOP_EVERY = 256,
	DONE_MAX = 1 << 20      /* bytes of the scopes that are remembered; a
	                         * scope that was forgotten is deleted again */
};

void
lite_scopes_init(struct lite_scopes *s, struct db *db, const struct target *t)
{
	*s = (struct lite_scopes){ .db = db, .target = t };
	buf_init(&s->scratch, SIZE_MAX / 2);
	keyset_init(&s->done);
}

void
lite_scopes_release(struct lite_scopes *s)
{
	db_stmt_free(s->delete);
	free(s->values);
	buf_release(&s->scratch);
	keyset_release(&s->done);
}

/* IS finds NULL too. It compares as the column does, so values that the
 * column's collation takes as equal are one scope. */
static int
prepare_delete(struct lite_scopes *s, struct err *e)
{
	const struct target *t = s->target;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "DELETE FROM %s", t->table->quoted);
	for (size_t i = 0; i < t->scope.n; i++)
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
	if (s->delete != NULL)
		return 0;
	if (s->values == NULL)
		s->values =
		    calloc(s->target->scope.n + 1, sizeof(*s->values));
	return s->values == NULL ? err_nomem(e) : prepare_delete(s, e);
}

/* Returns 1: the values are in s->values; 0: the record has no scope that the
 * table can have; -1 with *e. */
static int
read_scope_values(struct lite_scopes *s, struct reader *r,
    const struct line *l, struct err *e)
{
	const struct shape *scope = &s->target->scope;
	struct reject why;
	int rc = scope_read(r, l, e);

	if (rc != 1)
		return rc;
	buf_clear(&s->scratch);
	if (!buf_reserve(
		&s->scratch, row_max_size_of_values(r, scope, l) + 1))
		return buf_check(&s->scratch, e);
	for (size_t i = 0; i < scope->n; i++)
		if (sqlite_convert_value(&s->values[i], r, scope->columns[i],
		    &s->scratch, &why) == 0)
			return 0;
	return 1;
}

static int
delete_rows_of_new_scope(struct lite_scopes *s, struct sums *sums,
    struct err *e)
{
	size_t at = s->done.bytes.len;
	int64_t deleted = 0;
	bool nomem;

	for (size_t i = 0; i < s->target->scope.n; i++)
		sqlite_put_value_bytes(&s->done.bytes, &s->values[i]);
	if (keyset_add_or_find(&s->done, at, 0, &nomem) != NULL)
		return 0;
	if (nomem)
		return err_nomem(e);
	if (s->done.bytes.len > DONE_MAX)
		keyset_clear(&s->done);
	if (db_stmt_run_for_first_row(s->delete, s->values, s->target->scope.n,
	    NULL, &deleted, e) == -1)
		return -1;
	sums->removed += (uint64_t)deleted;
	return 0;
}

int
lite_scopes_delete_rows(struct lite_scopes *s, struct outcome *o,
    uint64_t *unreadable, struct err *e)
{
	int rc;

	for (size_t i = 0; i < o->chunk->n; i++) {
		const struct line l = spool_get_line(o->chunk, i);

		if (i % STOP_EVERY == 0 && stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		if (o->chunk->items[i].kind != ITEM_RECORD)
			continue;
		rc = read_scope_values(s, &o->reader, &l, e);
		*unreadable += rc == 0;
		if (rc == -1 || (rc == 1 &&
		    delete_rows_of_new_scope(s, &o->sums, e) == -1))
			return -1;
	}
	if (s->scratch.cap > SPOOL_LARGE)
		buf_release(&s->scratch);
	return 0;
}

int
lite_scopes_check_references(struct lite_scopes *s, struct err *e)
{
	if (db_missing_references(s->db) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: rows that the load "
	    "replaces are referred to by a foreign key that is INITIALLY "
	    "DEFERRED: load with --mode upsert, or change the foreign key",
	    s->target->table->name);
}
