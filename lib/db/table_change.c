#include "db/table.h"

#include "base/buf.h"

int
table_check_if_changed(
    struct db *db, const struct table *t, bool *changed, struct err *e)
{
	struct db_value v[] = { db_text(t->schema), db_text(t->base),
	    { .type = DB_TEXT } };
	int64_t same = 0;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 2);
	for (size_t i = 0; i < t->n; i++)
		buf_printf(&b, "%s %s,", t->columns[i].name,
		    t->columns[i].type);
	v[2].p = buf_text(&b);
	v[2].len = b.len;
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = db_query_int(db, db_sql(db, SQL_TABLE_HAS_COLUMNS), v, 3,
		    0, &same, e);
	buf_release(&b);
	*changed = same != 1;
	return rc;
}
