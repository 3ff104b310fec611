#include "pg/pg_sink.h"

#include "table/columns_sql.h"

#include <stdlib.h>
#include <string.h>

enum { ONE_BY_ONE = 1, IN_ORDER = 2, TO_ITSELF = 4, JUDGES = 8,
	HAS_DOMAIN = 16 };

/* The table and, if it is partitioned, the tables of its partitions. Of a view
 * also the tables and views that it reads. */
#define TABLES "WITH RECURSIVE v AS (SELECT $1::text::regclass::oid AS id " \
    "UNION SELECT d.refobjid FROM v JOIN pg_catalog.pg_rewrite AS w " \
    "ON w.ev_class = v.id AND w.ev_type = '1' " \
    "JOIN pg_catalog.pg_depend AS d ON d.objid = w.oid " \
    "AND d.classid = 'pg_catalog.pg_rewrite'::regclass " \
    "AND d.refclassid = 'pg_catalog.pg_class'::regclass), " \
    "r AS (SELECT id FROM v UNION SELECT p.relid::oid FROM v " \
    "CROSS JOIN LATERAL pg_catalog.pg_partition_tree(v.id::regclass) AS p) "

/* Triggers: bit 1 of tgtype is FOR EACH ROW, bit 2 is BEFORE, and bit 64 is
 * INSTEAD OF. Those of foreign keys are internal. Indexes: a predicate or an
 * expression can use any column, so it is not known which update frees a value,
 * and the expression may fail for a value. If a unique index has all columns of
 * the key ($2, a JSON array), rows of different keys are never equal in it. */
static int
read_flags(struct pg_sink *s, struct err *e)
{
	static const char sql[] = TABLES
	    "SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger AS g "
	    "JOIN r ON r.id = g.tgrelid WHERE NOT g.tgisinternal "
	    "AND g.tgtype::int & 67 = 1) THEN 1 ELSE 0 END "
	    "+ CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger AS g "
	    "JOIN r ON r.id = g.tgrelid WHERE NOT g.tgisinternal "
	    "AND g.tgtype::int & 1 = 1) OR "
	    "EXISTS (SELECT FROM pg_catalog.pg_index AS i "
	    "JOIN r ON r.id = i.indrelid "
	    "WHERE (i.indisexclusion OR i.indisunique AND "
	    "(pg_catalog.json_array_length($2::json) > 0 AND $2::jsonb "
	    "OPERATOR(pg_catalog.<@) (SELECT pg_catalog.jsonb_agg(a.attname) "
	    "FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = i.indrelid "
	    "AND a.attnum = ANY (i.indkey))) IS NOT TRUE) "
	    "AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)) "
	    "THEN 2 ELSE 0 END "
	    "+ CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_constraint AS c "
	    "JOIN r ON r.id = c.conrelid JOIN r AS f ON f.id = c.confrelid "
	    "WHERE c.contype = 'f') THEN 4 ELSE 0 END "
	    "+ CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_constraint AS c "
	    "JOIN r ON r.id = c.conrelid WHERE c.contype IN ('c', 'f', 'x')) "
	    "OR EXISTS (SELECT FROM pg_catalog.pg_index AS i "
	    "JOIN r ON r.id = i.indrelid "
	    "WHERE i.indpred IS NOT NULL OR i.indexprs IS NOT NULL) "
	    "OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a "
	    "JOIN r ON r.id = a.attrelid WHERE a.attgenerated <> '') "
	    "OR EXISTS (SELECT FROM pg_catalog.pg_class AS k "
	    "JOIN r ON r.id = k.oid WHERE k.relrowsecurity "
	    "OR k.relkind NOT IN ('r', 'p')) THEN 8 ELSE 0 END "
	    "+ CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute AS a "
	    "JOIN r ON r.id = a.attrelid JOIN pg_catalog.pg_type AS y "
	    "ON y.oid = a.atttypid WHERE y.typtype = 'd') THEN 16 ELSE 0 END";
	struct db_value v[] = { db_text(s->target->table->quoted), { 0 } };
	int64_t flags;
	int rc;

	buf_clear(&s->sql);
	put_key_names_json(&s->sql, s->target);
	v[1] = db_text(buf_text(&s->sql));
	rc = buf_check(&s->sql, e);
	if (rc == -1 || db_int(s->db, sql, v, 2, 0, &flags, e) == -1)
		return -1;
	s->one_by_one = flags & ONE_BY_ONE;
	s->in_order = flags & IN_ORDER;
	s->refers_to_itself = flags & TO_ITSELF;
	s->judges_records = flags & JUDGES;
	s->has_domain = flags & HAS_DOMAIN;
	return 0;
}

static void
mark_column(struct pg_sink *s, const struct db_value *name, bool unique)
{
	const struct target *t = s->target;

	for (size_t i = 0; i < t->table->n; i++)
		if (strlen(t->table->columns[i].name) == name->len &&
		    memcmp(t->table->columns[i].name, name->p, name->len) == 0)
			(unique ? s->may_be_freed : s->judged_by_index)[i] =
			    !t->is_key[i];
}

static int
mark_indexed_columns(struct pg_sink *s, struct err *e)
{
	static const char sql[] = TABLES
	    "SELECT a.attname, (i.indisunique OR i.indisexclusion)::int "
	    "FROM pg_catalog.pg_index AS i "
	    "JOIN r ON r.id = i.indrelid JOIN pg_catalog.pg_attribute AS a "
	    "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
	    "WHERE i.indisunique OR i.indisexclusion OR a.attlen = -1";
	struct db_value v = db_text(s->target->table->quoted), name;
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, sql, &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		name = db_column(r, 0);
		mark_column(s, &name, db_column(r, 1).i != 0);
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

static int
find_deferred_constraints(struct pg_sink *s, struct err *e)
{
	static const char sql[] = "SELECT pg_catalog.max(CASE tgrelid "
	    "WHEN $1::text::regclass::oid THEN 2 ELSE 1 END) "
	    "FROM pg_catalog.pg_trigger WHERE tginitdeferred";
	struct db_value v = db_text(s->target->table->quoted);
	int64_t most;

	if (db_int(s->db, sql, &v, 1, 0, &most, e) == -1)
		return -1;
	s->deferred = most == 2;
	s->elsewhere = most == 1;
	return 0;
}

int
pg_read_table_traits(struct pg_sink *s, struct err *e)
{
	s->may_be_freed =
	    calloc(s->target->table->n + 1, sizeof(*s->may_be_freed));
	s->judged_by_index =
	    calloc(s->target->table->n + 1, sizeof(*s->judged_by_index));
	if (s->may_be_freed == NULL || s->judged_by_index == NULL)
		return err_nomem(e);
	return find_deferred_constraints(s, e) == -1 ||
	    read_lock_number(s, e) == -1 || read_flags(s, e) == -1 ? -1 :
	    mark_indexed_columns(s, e);
}

size_t
pg_count_used_shapes(const struct pg_sink *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rows.nshapes; i++)
		n += s->rows.used[i];
	return n;
}

bool
pg_order_matters(const struct pg_sink *s)
{
	const struct pg_rows *r = &s->rows;

	if (s->in_order ||
	    !(s->target->mode->updates || s->target->mode->history))
		return s->in_order;
	for (size_t i = 0; i < r->nshapes; i++)
		for (size_t k = 0; r->used[i] && k < r->shapes[i]->n; k++)
			if (s->may_be_freed[r->shapes[i]->columns[k]])
				return true;
	return false;
}
