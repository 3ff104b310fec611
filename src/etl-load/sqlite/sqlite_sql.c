#include "sqlite/sqlite_sql.h"

#include "table/columns_sql.h"

void
sqlite_put_insert(struct buf *b, const struct target *t, const struct shape *s)
{
	bool time_columns = t->touch != NO_COLUMN || t->seen != NO_COLUMN;

	buf_printf(b, "INSERT INTO %s", t->table->quoted);
	if (s->n == 0 && !time_columns) {
		buf_str(b, " DEFAULT VALUES");
		return;
	}
	buf_str(b, " (");
	sql_put_columns(b, t, s, true);
	buf_str(b, ") VALUES (");
	for (size_t i = 0; i < s->n; i++)
		buf_printf(b, "%s$%zu", i > 0 ? ", " : "", i + 1);
	for (int i = 0; i < (t->touch != NO_COLUMN) + (t->seen != NO_COLUMN);
	    i++)
		buf_printf(b, "%s$%zu", s->n > 0 || i > 0 ? ", " : "",
		    s->n + 1);
	buf_str(b, ")");
	if (t->mode->keyed) {
		buf_str(b, " ON CONFLICT (");
		sql_put_key_columns(b, t);
		buf_str(b, ") DO NOTHING");
	}
}

static size_t
find_parameter_number(const struct shape *s, size_t column)
{
	size_t i = 0;

	while (s->columns[i] != column)
		i++;
	return i + 1;
}

void
sqlite_put_where_key(
    struct buf *b, const struct target *t, const struct shape *s)
{
	for (size_t i = 0; i < t->nkey; i++)
		buf_printf(b, "%s%s = $%zu", i > 0 ? " AND " : " WHERE ",
		    t->table->columns[t->key[i]].quoted,
		    find_parameter_number(s, t->key[i]));
}

static void
put_set_time_if_column(struct buf *b, const struct target *t, int column,
    const struct shape *s, const char *before)
{
	if (column != NO_COLUMN)
		buf_printf(b, "%s%s = $%zu", before,
		    t->table->columns[column].quoted, s->n + 1);
}

void
sqlite_put_update(struct buf *b, const struct target *t, const struct shape *s)
{
	const struct column *c = t->table->columns;
	const char *before = "";

	buf_printf(b, "UPDATE %s SET ", t->table->quoted);
	for (size_t i = 0; i < s->n; i++) {
		if (t->is_key[s->columns[i]])
			continue;
		buf_printf(b, "%s%s = $%zu", before,
		    c[s->columns[i]].quoted, i + 1);
		before = ", ";
	}
	put_set_time_if_column(b, t, t->touch, s, ", ");
	put_set_time_if_column(b, t, t->seen, s, ", ");
	sqlite_put_where_key(b, t, s);
	before = " AND (";
	for (size_t i = 0; i < s->n; i++) {
		if (!upsert_compares_column(t, s, i))
			continue;
		buf_printf(b, "%s%s COLLATE BINARY IS NOT $%zu", before,
		    c[s->columns[i]].quoted, i + 1);
		before = " OR ";
	}
	buf_str(b, ")");
}

void
sqlite_put_update_seen(
    struct buf *b, const struct target *t, const struct shape *s)
{
	buf_printf(b, "UPDATE %s SET", t->table->quoted);
	put_set_time_if_column(b, t, t->seen, s, " ");
	sqlite_put_where_key(b, t, s);
}
