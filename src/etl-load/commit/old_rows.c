#include "commit/old_rows.h"

#include "table/referring.h"
#include "table/scope.h"

/* Gives the scope of one --scope-value to the sink, as that of a record. */
static int
add_scope_value(
    struct loader *l, struct outcome *o, const char *value, struct err *e)
{
	uint64_t unreadable = 0;
	struct spool one;
	struct buf b;
	int rc = -1;

	spool_init(&one);
	buf_init(&b, SIZE_MAX / 4);
	if (scope_put_record(&b, &l->target, value, e) == 0) {
		const struct line line = { .data = b.data, .len = b.len };

		o->chunk = &one;
		o->reader.by_name = true;
		if (spool_add(&one, ITEM_RECORD, &line, e) == 0)
			rc = l->sink->scopes->add(l->self, o, &unreadable, e);
		o->reader.by_name = false;
		o->chunk = NULL;
	}
	buf_release(&b);
	spool_release(&one);
	if (rc == 0 && unreadable > 0)
		return err_set(e, ERR_CONFIG, false, "--scope-value %s: table "
		    "%s cannot have this value in the columns of --scope",
		    value, l->target.table->name);
	return rc;
}

static int
start_and_add_scope_values(
    struct loader *l, struct outcome *o, struct err *e)
{
	const struct opt_list *values = &l->o->scope_values;

	if (l->sink->scopes->start(l->self, e) == -1)
		return -1;
	for (size_t i = 0; i < values->n; i++)
		if (add_scope_value(l, o, values->v[i], e) == -1)
			return -1;
	return 0;
}

/* The sink may delete rows as soon as it gets a scope, so the values are tried
 * in a transaction that is rolled back. */
static int
check_scope_values(struct loader *l, struct err *e)
{
	struct outcome o;
	int rc = -1;

	if (outcome_init(&o, l->stage, &l->target, JSON_LAST, e) == 0 &&
	    db_begin(l->db, e) == 0) {
		rc = start_and_add_scope_values(l, &o, e);
		db_rollback(l->db);
	}
	outcome_release(&o);
	return rc;
}

int
old_rows_check_before_load(struct loader *l, struct err *e)
{
	const struct load_mode *m = l->target.mode;

	if (!m->replaces && !m->by_scope)
		return 0;
	if (!l->target.swaps &&
	    refuse_referring_tables(&l->target, l->db, e) == -1)
		return -1;
	if (m->replaces)
		return l->sink->check_empty == NULL ? 0 :
		    l->sink->check_empty(l->self, e);
	if (l->sink->scopes->check(l->self, e) == -1)
		return -1;
	return l->o->scope_values.n > 0 ? check_scope_values(l, e) : 0;
}

static int
delete_rows_of_scopes(struct loader *l, struct err *e)
{
	struct outcome *o = &l->outcome;
	uint64_t unreadable = 0;
	int more;

	if (start_and_add_scope_values(l, o, e) == -1 ||
	    spool_seal_and_rewind(&l->spool, e) == -1)
		return -1;
	while ((more = spool_next_chunk(&l->spool, e)) == 1) {
		o->chunk = &l->spool;
		if (l->sink->scopes->add(l->self, o, &unreadable, e) == -1)
			return -1;
	}
	return more == -1 ? -1 : l->sink->scopes->finish(l->self, o, e);
}

int
old_rows_delete(struct loader *l, struct err *e)
{
	const struct load_mode *m = l->target.mode;
	const struct db_fault *f = db_fault(l->db);
	int rc = 0;

	if (!m->by_scope && !m->replaces)
		return 0;
	/* A table may refer to this one since the load began. */
	if (!l->target.swaps &&
	    refuse_referring_tables(&l->target, l->db, e) == -1)
		return -1;
	if (m->by_scope)
		rc = delete_rows_of_scopes(l, e);
	else
		rc = l->sink->empty(l->self, &l->outcome.sums.removed, e);
	if (rc == -1 && !l->target.swaps &&
	    (f->sqlstate[0] != '\0' || f->data))
		err_prefix(e, "table %s: the rows that the load replaces "
		    "cannot be deleted", l->target.table->name);
	return rc;
}

int
old_rows_swap_tables(struct loader *l, struct err *e)
{
	return l->target.mode->replaces && l->sink->swap != NULL ?
	    l->sink->swap(l->self, e) : 0;
}

int
old_rows_refuse_empty_table(const struct loader *l, struct err *e)
{
	if (!l->target.mode->replaces || l->o->allow_empty ||
	    l->outcome.sums.inserted > 0)
		return 0;
	return err_set(e, ERR_DATA, false, "table %s: no record of the input "
	    "was inserted, so --mode replace would leave the table empty: "
	    "nothing was changed; give --allow-empty if this is right",
	    l->target.table->name);
}
