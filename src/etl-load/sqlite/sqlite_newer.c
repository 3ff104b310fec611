#include "sqlite/sqlite_newer.h"

#include "base/instant.h"
#include "sqlite/sqlite_sql.h"

static size_t
newer_by_column(const struct target *t)
{
	return (size_t)t->newer_by;
}

void
sqlite_put_newer(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *column = t->table->columns[newer_by_column(t)].quoted;

	buf_printf(b, "SELECT %s, %s > $%zu FROM %s", column, column,
	    sqlite_get_parameter(s, newer_by_column(t)), t->table->quoted);
	sqlite_put_where_key(b, t, s);
}

int
lite_row_is_newer(const struct lite_store *s, struct db_stmt *query,
    const struct shape *shape, struct err *e)
{
	size_t column = newer_by_column(s->target);
	const struct db_value *record =
	    &s->values[sqlite_get_parameter(shape, column) - 1];
	struct db_value row;
	struct db_rows *r;
	struct instant x, y;

	if (db_stmt_run(query, s->values, shape->n + 1, &r, NULL, e) == -1)
		return -1;
	if (r == NULL)
		return 0;
	row = db_column(r, 0);
	if (s->target->table->columns[column].kind == COLUMN_TIME &&
	    row.type == DB_TEXT && record->type == DB_TEXT &&
	    instant_parse(&x, row.p, row.len) &&
	    instant_parse(&y, record->p, record->len))
		return instant_compare(&x, &y) > 0;
	return db_column(r, 1).type == DB_INT && db_column(r, 1).i != 0;
}
