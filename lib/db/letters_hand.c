#include "db/letters_impl.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS = 18 };

/* The number that text is: 0 where it is none. */
int64_t
letter_number(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > NUMBER_DIGITS || strspn(text, "0123456789") != n)
		return 0;
	return strtoll(text, NULL, 10);
}

static int
find_prefix(struct db *db, const char *id, int64_t *out, struct err *e)
{
	struct db_value v = db_text(id);
	struct db_rows *r;
	int n = 0, rc;

	if (db_query(db, &r, db_sql(db, SQL_LETTER_BY_PREFIX), &v, 1,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		*out = db_column(r, 0).i;
		n++;
	}
	db_end(r);
	if (rc == 0 && n > 1)
		rc = err_set(e, ERR_USAGE, false, "%s: several dead letters "
		    "begin so: give more of the id", id);
	return rc == -1 ? -1 : n;
}

/* The letter's number, of a number or of the start of its reject id. */
int
letter_find(struct db *db, const char *id, int64_t *out, struct err *e)
{
	struct db_value v = DB_I(letter_number(id));
	int rc;

	*out = 0;
	if (v.i > 0 && db_int(db, db_sql(db, SQL_LETTER_BY_NUMBER), &v, 1, 0,
	    out, e) == -1)
		return -1;
	if (*out != 0)
		return 0;
	if (*id != '\0' && strspn(id, "0123456789abcdef") == strlen(id) &&
	    (rc = find_prefix(db, id, out, e)) != 0)
		return rc == -1 ? -1 : 0;
	return err_set(e, ERR_LIMIT, false, "%s: no such dead letter in %s",
	    id, db_name(db));
}

int
letter_close(struct db *db, const char *id, const char *status,
    const char *reason, struct err *e)
{
	int64_t number;

	if (letter_find(db, id, &number, e) == -1)
		return -1;
	struct db_value v[] = { DB_I(number), db_text(status),
	    db_text(reason) };

	return db_run(db, db_sql(db, SQL_LETTER_CLOSE), v, 3, NULL, e);
}

int
letter_erase(struct db *db, const char *id, struct err *e)
{
	struct db_value v;
	int64_t number;

	if (letter_find(db, id, &number, e) == -1)
		return -1;
	v = DB_I(number);
	if (db_run(db, db_sql(db, SQL_LETTER_ERASE), &v, 1, NULL, e) == -1)
		return -1;
	return db_run(db, db_sql(db, SQL_LETTER_ERASE_TIMES), &v, 1, NULL, e);
}
