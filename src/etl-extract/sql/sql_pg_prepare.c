#include "sql/sql_pg_prepare.h"

#include "sql/sql_pg_value.h"

#include <stdio.h>
#include <string.h>

enum { SQL_MAX = 64 << 20 };

int
pg_source_prefix(const struct pg_source *s, struct err *e)
{
	int64_t n = db_fault(s->db)->position - (int64_t)s->wrapped_at;

	return sql_prefix_place(s->query, n <= 0 ||
	    s->query->text == NULL ?
	    -1 : (long)sql_text_offset(s->query->text, n), e);
}

/* If the server does not accept the query, the option is wrong (78). An error
 * of the connection, or a missing permission, keeps its exit code. */
static int
set_prepare_error(const struct pg_source *s, struct err *e)
{
	if (!e->transient && e->code != ERR_DENIED &&
	    *db_fault(s->db)->sqlstate != '\0')
		e->code = ERR_CONFIG;
	return pg_source_prefix(s, e);
}

size_t
pg_source_count_params(const struct pg_source *s)
{
	return (size_t)(s->text.since > 0) + (s->text.until > 0);
}

/* Behind a connection pooler the next transaction may be in another session. So
 * the statement gets no name, and it is prepared and described in one
 * transaction. Rolls back first: an earlier prepare_with_type() that failed has
 * aborted the transaction. */
static int
begin_pooled(struct pg_source *s, struct err *e)
{
	if (!pg_is_pooled(s->pg))
		return 0;
	s->name[0] = '\0';
	db_rollback(s->db);
	return db_begin(s->db, e);
}

/* Prepares the query with parameters of this type. 0: the server chooses the
 * type. */
static int
prepare_with_type(struct pg_source *s, const char *sql, unsigned type,
    struct err *e)
{
	const unsigned types[SQL_PARAMS] = { type, type };

	(void)snprintf(s->name, sizeof(s->name), "etl_query_%u", ++s->serial);
	if (begin_pooled(s, e) == -1 ||
	    pg_prepare(s->pg, s->name, sql, types, pg_source_count_params(s),
		e) == -1)
		return -1;
	s->param_type = type;
	if (!pg_is_pooled(s->pg))
		return 0;
	buf_clear(&s->last);
	buf_str(&s->last, sql);
	(void)buf_text(&s->last);
	return buf_check(&s->last, e);
}

/* Prepares the query and lets the server find the types of its parameters. This
 * fails for a query such as :since - interval '1 h', where the server chooses a
 * wrong type or none. Then tries the types that cursors usually have. If all
 * fail, *e is the first error. */
static int
prepare_first_fit(struct pg_source *s, struct err *e)
{
	static const unsigned types[] = { 0, SQL_PG_TIMESTAMPTZ_OID,
	    SQL_PG_NUMERIC_OID, SQL_PG_TEXT_OID };
	size_t n = pg_source_count_params(s) == 0 ? 1 :
	    sizeof(types) / sizeof(types[0]);
	struct err later;

	if (prepare_with_type(s, s->text.sql.data, types[0], e) == 0)
		return 0;
	(void)set_prepare_error(s, e);
	for (size_t i = 1; i < n && !e->transient; i++)
		if (prepare_with_type(s, s->text.sql.data, types[i],
		    &later) == 0)
			return 0;
	return -1;
}

static const char *
name_pg_column(const void *answer, size_t i)
{
	return pg_column_name(answer, i);
}

/* Asks the server for the columns of the prepared query, and checks them. */
static int
describe_columns(struct pg_source *s, struct err *e)
{
	struct sql_columns *c = &s->columns;
	struct pg_answer *a;
	int rc;

	if (pg_describe(s->pg, s->name, &a, e) == -1)
		return set_prepare_error(s, e);
	rc = sql_columns_fill(c, pg_count_columns(a), name_pg_column, a,
	    s->query, e);
	if (rc == -1)
		(void)sql_prefix_place(s->query, -1, e);
	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		c->column[i].kind = (int)sql_pg_kind_of(pg_column_type(a, i));
		sql_pg_set_type(&c->column[i], pg_column_type(a, i),
		    pg_column_typmod(a, i));
	}
	if (rc == 0 && c->cursor < c->n && !s->query->cursor_is_inside)
		s->cursor_type = pg_column_type(a, c->cursor);
	pg_answer_free(a);
	return rc;
}

/* Prepares the query again, with parameters of the type of the cursor's column.
 * If this fails, as for id >= length(:since), keeps the statement that was
 * prepared before. */
static int
prepare_for_cursor(struct pg_source *s, struct err *e)
{
	unsigned type = s->param_type;
	char name[PG_SOURCE_NAME];

	memcpy(name, s->name, sizeof(name));
	if (pg_source_count_params(s) == 0 || s->cursor_type == 0 ||
	    s->cursor_type == type ||
	    prepare_with_type(s, s->text.sql.data, s->cursor_type, e) == 0)
		return 0;
	if (e->transient)
		return set_prepare_error(s, e);
	memcpy(s->name, name, sizeof(name));
	s->param_type = type;
	return 0;
}

/* Appends the list of columns. to_json() converts those whose type is not
 * known. */
static void
put_column_list(struct buf *b, const struct sql_columns *c)
{
	for (size_t i = 0; i < c->n; i++)
		buf_printf(b, c->column[i].kind == SQL_PG_OTHER ?
		    "%spg_catalog.to_json(q.c%zu)" : "%sq.c%zu",
		    i == 0 ? "" : ", ", i);
}

/* If a column has a type that etl-extract does not know, the server converts it
 * to JSON. Such types are arrays, composite types and types of extensions. The
 * query is then wrapped: SELECT q.c0, to_json(q.c1) FROM (the query) AS q(c0,
 * c1). */
static int
prepare_wrapped(struct pg_source *s, struct err *e)
{
	struct sql_columns *c = &s->columns;
	struct buf b;
	size_t i = 0;
	int rc;

	while (i < c->n && c->column[i].kind != SQL_PG_OTHER)
		i++;
	if (i == c->n)
		return 0;
	buf_init(&b, SQL_MAX);
	buf_str(&b, "SELECT ");
	put_column_list(&b, c);
	buf_str(&b, " FROM (");
	s->wrapped_at = b.len;
	buf_add(&b, s->text.sql.data, s->text.end);
	buf_str(&b, "\n) AS q(");
	for (i = 0; i < c->n; i++)
		buf_printf(&b, "%sc%zu", i == 0 ? "" : ", ", i);
	buf_char(&b, ')');
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0 && prepare_with_type(s, b.data, s->param_type, e) == -1)
		rc = set_prepare_error(s, e);
	buf_release(&b);
	return rc;
}

int
pg_source_prepare(struct pg_source *s, const char *sql, struct err *e)
{
	int rc = -1;

	sql_text_release(&s->text);
	sql_text_init(&s->text);
	s->wrapped_at = 0;
	if (sql_text_replace(&s->text, sql, e) == -1)
		return -1;
	if (s->text.has_numbered)
		return err_set(e, ERR_CONFIG, false, "--query: $1 and other "
		    "numbered parameters have no value: use :since and "
		    ":until");
	if (prepare_first_fit(s, e) == 0 &&
	    describe_columns(s, e) == 0 &&
	    prepare_for_cursor(s, e) == 0)
		rc = prepare_wrapped(s, e);
	if (pg_is_pooled(s->pg))
		db_rollback(s->db);
	return rc;
}

int
pg_source_send_query(struct pg_source *s, struct err *e)
{
	const unsigned types[SQL_PARAMS] = { s->param_type, s->param_type };
	size_t n = pg_source_count_params(s);

	return pg_is_pooled(s->pg) ?
	    pg_send_unprepared(s->pg, s->last.data, types, &s->args, n, e) :
	    pg_send_prepared(s->pg, s->name, &s->args, n, e);
}
