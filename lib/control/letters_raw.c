#include "control/letters_impl.h"

enum { PART = 1 << 20 };

/* SQLite reads a whole value even if the query asks only for a part of it. So
 * with SQLite the first part is the whole record. */
int
letters_read_raw_part(struct db *db, enum sql_id script,
    const struct db_value v[2], struct buf *raw, size_t len, struct err *e)
{
	size_t want = len - raw->len;
	struct db_rows *r;
	int rc;

	if (db_kind(db) != DB_SQLITE && want > PART)
		want = PART;
	struct db_value all[] = { v[0], v[1], DB_I((int64_t)raw->len + 1),
	    DB_I((int64_t)want) };

	if (db_query(db, &r, db_sql(db, script), all, 4, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		if (db_column(r, 0).len == want)
			buf_add(raw, db_column(r, 0).p, want);
		else
			rc = 0;
	}
	db_end(r);
	return rc;
}
