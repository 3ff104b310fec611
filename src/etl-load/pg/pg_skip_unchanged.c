#include "pg/pg_skip_unchanged.h"

#include "table/columns_sql.h"

/* Returns true if the shape has the column. Sets *compared to true if, in
 * addition, an upsert compares the column. */
static bool
shape_has_column(const struct target *t, const struct shape *s, size_t column,
    bool *compared)
{
	*compared = false;
	for (size_t i = 0; i < s->n; i++)
		if (s->columns[i] == column) {
			*compared = upsert_compares(t, s, i);
			return true;
		}
	return false;
}

static bool
is_set_by_option(const struct target *t, size_t column)
{
	return (int)column == t->touch || (int)column == t->seen ||
	    (int)column == t->soft_delete;
}

bool
pg_accepts_equal(const struct target *t, const struct shape *s)
{
	const struct column *c = t->table->columns;
	bool compared;

	for (size_t i = 0; i < t->table->n; i++)
		if (c[i].not_null && !t->is_key[i] && !is_set_by_option(t, i) &&
		    (shape_has_column(t, s, i, &compared) ? !compared :
		    !c[i].has_default))
			return false;
	return shape_can_change(t, s);
}
