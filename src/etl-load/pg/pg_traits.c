#include "pg/pg_sink.h"

#include "table/columns_sql.h"

#include <stdlib.h>
#include <string.h>

enum { ONE_BY_ONE = 1, IN_ORDER = 2, TO_ITSELF = 4, JUDGES = 8,
	HAS_DOMAIN = 16 };

static int
read_key_names(struct pg_sink *s, struct db_value *v, struct err *e)
{
	buf_clear(&s->sql);
	put_key_names_json(&s->sql, s->target);
	*v = db_text(buf_text(&s->sql));
	return buf_check(&s->sql, e);
}

/* Reads the traits of the table into s. Sets s->sql to the list of the tables
 * that hold its rows, such as its partitions. */
static int
read_traits(struct pg_sink *s, struct err *e)
{
	struct db_value v[] = { db_text(s->target->table->quoted), { 0 } };
	struct db_value tables;
	struct db_rows *r;
	int64_t deferred, flags;
	int rc;

	if (read_key_names(s, &v[1], e) == -1 ||
	    db_query(s->db, &r, db_sql(s->db, SQL_TABLE_TRAITS), v, 2, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		deferred = db_column(r, 0).i;
		s->deferred = deferred == 2;
		s->elsewhere = deferred == 1;
		s->lock = db_column(r, 1).i;
		flags = db_column(r, 2).i;
		s->one_by_one = flags & ONE_BY_ONE;
		s->in_order = flags & IN_ORDER;
		s->refers_to_itself = flags & TO_ITSELF;
		s->judges_records = flags & JUDGES;
		s->has_domain = flags & HAS_DOMAIN;
		tables = db_column(r, 3);
		buf_clear(&s->sql);
		buf_add(&s->sql, tables.p, tables.len);
	}
	db_end(r);
	return rc == 1 ? 0 : -1;
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
mark_indexed(struct pg_sink *s, const char *tables, struct err *e)
{
	struct db_value v = db_text(tables), name;
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, db_sql(s->db, SQL_TABLE_INDEXED_COLUMNS), &v,
		1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		name = db_column(r, 0);
		mark_column(s, &name, db_column(r, 1).i != 0);
	}
	db_end(r);
	return rc;
}

int
pg_read_traits(struct pg_sink *s, struct err *e)
{
	const char *tables;

	s->may_be_freed =
	    calloc(s->target->table->n + 1, sizeof(*s->may_be_freed));
	s->judged_by_index =
	    calloc(s->target->table->n + 1, sizeof(*s->judged_by_index));
	if (s->may_be_freed == NULL || s->judged_by_index == NULL)
		return err_nomem(e);
	return read_traits(s, e) == -1 ||
	    (tables = buf_finish(&s->sql, e)) == NULL ? -1 :
	    mark_indexed(s, tables, e);
}

size_t
pg_count_shapes(const struct pg_sink *s)
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

bool
pg_shape_updates_first(const struct pg_sink *s, const struct shape *shape)
{
	const struct pg_row_rules rules = { .in_order = s->in_order,
		.secured = s->secured, .first_updates = s->first_updates };

	return pg_updates_first(s->target, shape, &rules);
}

bool
pg_chunk_updates_first(const struct pg_sink *s)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] &&
		    pg_shape_updates_first(s, s->rows.shapes[i]))
			return true;
	return false;
}
