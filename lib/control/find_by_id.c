#include "control/find_by_id.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS = 18 };

int64_t
parse_row_number(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > NUMBER_DIGITS || strspn(text, "0123456789") != n)
		return 0;
	return strtoll(text, NULL, 10);
}

/* Sets *out to the row whose id starts with this text. Leaves *out as it is if
 * there is none. Fails if there are several. */
static int
find_by_prefix(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e)
{
	struct db_value v = db_text(id);
	struct db_rows *r;
	int n = 0, rc;

	if (db_query(db, &r, db_sql(db, k->by_prefix), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		*out = db_column(r, 0).i;
		n++;
	}
	db_end(r);
	if (rc == 0 && n > 1)
		return err_set(e, ERR_USAGE, false, "%s: the ids of several "
		    "%s start with this: give more of the id", id, k->many);
	return rc;
}

int
find_row_by_id(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e)
{
	struct db_value v = DB_I(parse_row_number(id));

	*out = 0;
	if (v.i > 0 && db_query_int(db, db_sql(db, k->by_number), &v, 1, 0, out,
	    e) == -1)
		return -1;
	if (*out == 0 && *id != '\0' && strspn(id, k->digits) == strlen(id) &&
	    find_by_prefix(db, k, id, out, e) == -1)
		return -1;
	if (*out != 0)
		return 0;
	return err_set(e, ERR_LIMIT, false, "%s: no such %s in %s", id,
	    k->one, db_name(db));
}
