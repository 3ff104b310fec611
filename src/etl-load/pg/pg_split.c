#include "pg/pg_sink.h"

/* Several connections may load the table only if no record can see what another
 * one has written. Checks what the catalog says about this. A collation in
 * which different texts are equal is a reason against it, because records with
 * equal keys must go to the same connection, and their bytes decide this. */
static int
read_why_not_split(struct pg_sink *s, const char **why, struct err *e)
{
	static const char sql[] =
	    "SELECT CASE WHEN k.relkind NOT IN ('r', 'p') THEN 1 "
	    "WHEN k.relpersistence = 't' THEN 2 "
	    "WHEN EXISTS (SELECT FROM pg_catalog.pg_index AS i "
	    "JOIN pg_catalog.pg_collation AS l "
	    "ON l.oid = ANY (i.indcollation::oid[]) "
	    "WHERE i.indrelid = k.oid AND i.indisunique "
	    "AND NOT l.collisdeterministic) THEN 3 ELSE 0 END "
	    "FROM pg_catalog.pg_class AS k "
	    "WHERE k.oid = $1::text::regclass::oid";
	static const char *const reasons[] = { NULL,
		"it is no ordinary table",
		"only one session can see a temporary table",
		"a unique index has a collation in which different texts are "
		"equal" };
	struct db_value v = db_text(s->target->table->quoted);
	int64_t n;

	if (db_query_int(s->db, sql, &v, 1, 0, &n, e) == -1)
		return -1;
	*why = reasons[n];
	return 0;
}

/* Returns true if records set a column that another unique index than that of
 * the key has. */
static bool
loads_other_unique(const struct pg_sink *s)
{
	for (size_t i = 0; i < s->target->table->n; i++)
		if (s->may_be_freed[i] && target_loads(s->target, i))
			return true;
	return false;
}

int
pg_why_not_split(void *self, const char **why, struct err *e)
{
	struct pg_sink *s = self;

	*why = NULL;
	if (s->one_by_one || s->in_order)
		*why = "a trigger FOR EACH ROW, or an index with a predicate "
		    "or an expression, can make the order of records matter";
	else if (s->refers_to_itself)
		*why = "it has a foreign key to itself, so a record may need "
		    "the row of a record before it";
	else if (loads_other_unique(s))
		*why = "it has another unique index than that of the key, so "
		    "a record may take a value that a record before it gives "
		    "up";
	return *why != NULL ? 0 : read_why_not_split(s, why, e);
}
