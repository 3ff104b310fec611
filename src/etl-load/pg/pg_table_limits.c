#include "pg/pg_table_limits.h"

/* A table of PostgreSQL has at most 1600 columns (MaxHeapAttributeNumber). The
 * staging table has two columns more than the target table. */
enum { STAGE_COLUMNS_MAX = 1600 - 2 };

static bool
deletes_rows(const struct target *t)
{
	return (t->mode->removes && !t->swaps) || t->mode->deletes;
}

/* ev_type: 2 is UPDATE, 3 is INSERT, 4 is DELETE. For a load with a key a rule
 * for UPDATE is refused too: PostgreSQL does not support INSERT ... ON CONFLICT
 * on a table with a rule for INSERT or UPDATE. */
int
pg_check_rules(const struct pg_sink *s, struct err *e)
{
	static const char sql[] = "SELECT rulename, CASE ev_type "
	    "WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END "
	    "FROM pg_catalog.pg_rewrite "
	    "WHERE ev_class = $1::text::regclass::oid AND ev_enabled <> 'D' "
	    "AND (ev_type = '3' OR (ev_type = '2' AND $2::int = 1) "
	    "OR (ev_type = '4' AND $3::int = 1)) ORDER BY rulename";
	const struct target *t = s->target;
	struct db_value v[] = { db_text(t->table->quoted),
		DB_I(t->mode->keyed), DB_I(deletes_rows(t)) };
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, sql, v, 3, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		struct db_value rule = db_column(r, 0), on = db_column(r, 1);

		rc = err_set(e, ERR_CONFIG, false, "table %s has the rule "
		    "\"%.*s\" for %.*s: etl-load cannot load such a table; "
		    "make a trigger in place of the rule", t->table->name,
		    (int)rule.len, rule.p, (int)on.len, on.p);
	}
	db_end(r);
	return rc;
}

int
pg_set_too_wide(struct pg_sink *s, struct err *e)
{
	const struct target *t = s->target;
	size_t n = 0;

	for (size_t i = 0; i < t->table->n; i++)
		n += target_loads(t, i);
	s->too_wide = n > STAGE_COLUMNS_MAX;
	if (!s->too_wide || s->straight)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s has %zu columns to "
	    "load: in this load, etl-load needs a temporary table with two "
	    "columns more, and PostgreSQL allows 1600: name at most %d columns "
	    "with --columns", t->table->name, n, STAGE_COLUMNS_MAX);
}

/* COPY needs at least one column. Rejects the records of this shape, which has
 * no columns. */
static int
reject_empty_rows(struct pg_sink *s, const struct shape *shape,
    struct outcome *o, struct err *e)
{
	const struct reject why = { .code = "schema", .message = "PostgreSQL "
	    "cannot COPY a record without members into a table of so many "
	    "columns" };

	for (size_t i = 0; i < s->rows.n; i++) {
		if (s->rows.v[i].shape != shape->id)
			continue;
		s->rows.v[i].done = true;
		if (outcome_add_reject(o, s->rows.v[i].item, &why, e) == -1)
			return -1;
	}
	return 0;
}

int
pg_copy_wide_rows(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct pg_rows *r = &s->rows;
	uint64_t good = 0;
	int rc = 0;

	r->copied = 0;
	for (size_t i = 0; i < r->nshapes && rc == 0; i++)
		if (r->used[i])
			rc = r->shapes[i]->n == 0 ?
			    reject_empty_rows(
				s, r->shapes[i], o, e) :
			    pg_copy_in_pieces(
				r, r->shapes[i], false, o, e);
	if (rc == -1 || pg_check_deferred(s, e) == -1)
		return -1;
	for (size_t i = 0; i < r->n; i++)
		good += !r->v[i].done;
	o->sums.inserted += (uint64_t)r->copied;
	o->sums.unchanged += good - (uint64_t)r->copied;
	return 0;
}
