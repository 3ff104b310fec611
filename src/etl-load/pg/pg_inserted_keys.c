#include "pg/pg_inserted_keys.h"

#include "table/columns_sql.h"

bool
pg_notes_inserted(const struct target *t)
{
	return t->keeps_images && !t->mode->keyed;
}

void
pg_put_returned_keys(struct buf *b, const struct target *t)
{
	for (size_t i = 0; i < t->identity.n; i++)
		buf_printf(b, ", \"etl.t\".%s",
		    t->table->columns[t->identity.columns[i]].quoted);
}

void
pg_put_note_returned(struct buf *b, const struct target *t)
{
	buf_str(b, ", \"etl.k\" AS (INSERT INTO " PG_TOUCHED " SELECT 0, ");
	sql_put_columns(b, t, &t->identity, false);
	buf_str(b, " FROM m)");
}
