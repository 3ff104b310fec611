#include "columns_sql.h"

#include "json/write.h"

#include <string.h>

static void
put_next_column(struct buf *b, const struct target *t, size_t column,
    bool *more)
{
	if (*more)
		buf_str(b, ", ");
	*more = true;
	buf_str(b, t->table->columns[column].quoted);
}

void
sql_put_columns(struct buf *b, const struct target *t, const struct shape *s,
    bool time_columns)
{
	bool more = false;

	for (size_t i = 0; i < s->n; i++)
		put_next_column(b, t, s->columns[i], &more);
	if (time_columns && t->touch != NO_COLUMN)
		put_next_column(b, t, (size_t)t->touch, &more);
	if (time_columns && t->seen != NO_COLUMN)
		put_next_column(b, t, (size_t)t->seen, &more);
	if (time_columns && t->soft_delete != NO_COLUMN)
		put_next_column(b, t, (size_t)t->soft_delete, &more);
}

void
sql_put_key(struct buf *b, const struct target *t)
{
	bool more = false;

	for (size_t i = 0; i < t->nkey; i++)
		put_next_column(b, t, t->key[i], &more);
}

void
put_key_names_json(struct buf *b, const struct target *t)
{
	buf_char(b, '[');
	for (size_t i = 0; i < t->nkey; i++) {
		const char *name = t->table->columns[t->key[i]].name;

		if (i > 0)
			buf_char(b, ',');
		json_put_string(b, name, strlen(name));
	}
	buf_char(b, ']');
}

bool
upsert_compares(const struct target *t, const struct shape *s, size_t i)
{
	size_t c = s->columns[i];

	return t->compared[c] && !t->is_key[c];
}

bool
upsert_compares_any(const struct target *t, const struct shape *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (upsert_compares(t, s, i))
			return true;
	return false;
}

bool
shape_can_change(const struct target *t, const struct shape *s)
{
	return t->soft_delete != NO_COLUMN || upsert_compares_any(t, s);
}

bool
shape_lacks_column(const struct target *t, const struct shape *s, bool required)
{
	size_t k = 0;

	for (size_t c = 0; c < t->table->n; c++) {
		const struct column *column = &t->table->columns[c];

		if (k < s->n && s->columns[k] == c)
			k++;
		else if (!column->generated && (int)c != t->touch &&
		    (int)c != t->seen && (int)c != t->soft_delete &&
		    (!required || (column->not_null && !column->has_default)))
			return true;
	}
	return false;
}
