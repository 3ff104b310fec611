#include "pg/pg_swap_lines.h"

int
pg_swap_query_lines(struct db *db, struct buf *b, enum sql_id id,
    const struct db_value *v, size_t n, const char *between, struct err *e)
{
	struct db_rows *r;
	int rc;

	buf_clear(b);
	if (db_query(db, &r, db_sql(db, id), v, n, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		struct db_value line = db_column(r, 0);

		if (b->len > 0)
			buf_str(b, between);
		buf_add(b, line.p, line.len);
	}
	db_end(r);
	(void)buf_text(b);
	return rc == -1 ? -1 : buf_check(b, e);
}
