#include "pg/pg_sink.h"

#include <stdlib.h>
#include <string.h>

enum { ONE_BY_ONE = 1, IN_ORDER = 2, TO_ITSELF = 4 };

/* The table and, if it is partitioned, the tables of its partitions. */
#define TABLES "WITH r AS (SELECT $1::text::regclass::oid AS id " \
    "UNION SELECT relid::oid " \
    "FROM pg_catalog.pg_partition_tree($1::text::regclass)) "

/* Triggers: bit 1 of tgtype is FOR EACH ROW, bit 2 is BEFORE. Those of foreign
 * keys are internal. Indexes: a predicate or an expression can use any column,
 * so it is not known which update frees a value. */
static int
read_flags(struct pg_sink *s, struct err *e)
{
	static const char sql[] = TABLES
	    "SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger AS g "
	    "JOIN r ON r.id = g.tgrelid WHERE NOT g.tgisinternal "
	    "AND g.tgtype::int & 3 = 1) THEN 1 ELSE 0 END "
	    "+ CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger AS g "
	    "JOIN r ON r.id = g.tgrelid WHERE NOT g.tgisinternal "
	    "AND g.tgtype::int & 1 = 1) OR "
	    "EXISTS (SELECT FROM pg_catalog.pg_index AS i "
	    "JOIN r ON r.id = i.indrelid "
	    "WHERE (i.indisunique OR i.indisexclusion) "
	    "AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)) "
	    "THEN 2 ELSE 0 END "
	    "+ CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_constraint AS c "
	    "JOIN r ON r.id = c.conrelid JOIN r AS f ON f.id = c.confrelid "
	    "WHERE c.contype = 'f') THEN 4 ELSE 0 END";
	struct db_value v = db_text(s->target->table->quoted);
	int64_t flags;

	if (db_int(s->db, sql, &v, 1, 0, &flags, e) == -1)
		return -1;
	s->one_by_one = flags & ONE_BY_ONE;
	s->in_order = flags & IN_ORDER;
	s->refers_to_itself = flags & TO_ITSELF;
	return 0;
}

static void
mark_column(struct pg_sink *s, const struct db_value *name)
{
	const struct target *t = s->target;

	for (size_t i = 0; i < t->table->n; i++)
		if (strlen(t->table->columns[i].name) == name->len &&
		    memcmp(t->table->columns[i].name, name->p, name->len) == 0)
			s->may_be_freed[i] = !t->is_key[i];
}

static int
mark_columns_that_may_be_freed(struct pg_sink *s, struct err *e)
{
	static const char sql[] = TABLES
	    "SELECT a.attname FROM pg_catalog.pg_index AS i "
	    "JOIN r ON r.id = i.indrelid JOIN pg_catalog.pg_attribute AS a "
	    "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
	    "WHERE i.indisunique OR i.indisexclusion";
	struct db_value v = db_text(s->target->table->quoted), name;
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, sql, &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		name = db_column(r, 0);
		mark_column(s, &name);
	}
	db_end(r);
	return rc;
}

/* The number of the lock is "etl" in its upper half and the table's oid in its
 * lower half. */
static int
read_lock_number(struct pg_sink *s, struct err *e)
{
	struct db_value v = db_text(s->target->table->quoted);

	return db_int(s->db, "SELECT 6648940::int8 << 32 | "
	    "$1::text::regclass::oid::int8", &v, 1, 0, &s->lock, e);
}

int
pg_read_table_traits(struct pg_sink *s, struct err *e)
{
	s->may_be_freed =
	    calloc(s->target->table->n + 1, sizeof(*s->may_be_freed));
	if (s->may_be_freed == NULL)
		return err_nomem(e);
	return read_lock_number(s, e) == -1 || read_flags(s, e) == -1
		   ? -1
		   : mark_columns_that_may_be_freed(s, e);
}
