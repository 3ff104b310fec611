#include "pg/pg_newer.h"

#include <string.h>

static const struct column *
newer_by_column(const struct target *t)
{
	return &t->table->columns[t->newer_by];
}

/* Compares two values as rows of the type record, because PostgreSQL then uses
 * the sort order of the columns' types. A plain > would be looked up in the
 * schemas of the search_path, where another role can create an operator.
 * IS DISTINCT FROM NULL is right for a composite type, too: IS NOT NULL would
 * be false if one of its members were NULL. */
void
pg_put_is_newer(struct buf *b, const struct target *t, const char *one,
    const char *other)
{
	const char *column = newer_by_column(t)->quoted;

	buf_printf(b, "(%s.%s IS DISTINCT FROM NULL AND ROW(%s.%s)::record "
	    "OPERATOR(pg_catalog.>) ROW(%s.%s)::record)",
	    one, column, one, column, other, column);
}

/* Compares two NULLs, because no row is needed for this. If the type has no
 * order, the comparison fails all the same. */
int
pg_check_newer_by(struct db *db, const struct target *t, struct err *e)
{
	const struct column *c = newer_by_column(t);
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "SELECT ROW(v)::record OPERATOR(pg_catalog.>) "
	    "ROW(v)::record FROM (SELECT (NULL::%s).%s AS v) AS t",
	    t->table->quoted, c->quoted);
	(void)buf_text(&b);
	if ((rc = buf_check(&b, e)) == 0)
		rc = db_run(db, b.data, NULL, 0, NULL, e);
	buf_release(&b);
	if (rc == -1 && strcmp(db_fault(db)->sqlstate, "42883") == 0)
		return err_set(e, ERR_CONFIG, false, "--newer-by: column "
		    "\"%s\" of table %s has the type %s, whose values have no "
		    "order: name another column", c->name, t->table->name,
		    c->type);
	return rc;
}
