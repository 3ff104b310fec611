#include "db/table_suggest.h"

#include "base/suggest.h"
#include "db/table.h"

void
table_suggest(struct db *db, const struct table *t, struct err *e)
{
	struct suggestion near = { .typed = t->base };
	struct db_value schema = db_text(t->schema);
	struct db_rows *r;
	struct err ignored;

	if (db_query(db, &r, db_sql(db, SQL_TABLE_NAMES), &schema, 1,
	    &ignored) == -1)
		return;
	while (db_next(r, &ignored) == 1)
		suggest_try(&near, db_column(r, 0).p);
	db_end(r);
	suggest_put(e, &near, "");
}
