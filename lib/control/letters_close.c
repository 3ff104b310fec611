#include "control/find_by_id.h"
#include "control/letters_impl.h"

int
letter_find_row(struct db *db, const char *id, int64_t *out, struct err *e)
{
	static const struct id_kind letter = { SQL_LETTER_BY_NUMBER,
	    SQL_LETTER_BY_PREFIX, "0123456789abcdef", "dead letter",
	    "dead letters" };

	return find_row_by_id(db, &letter, id, out, e);
}

/* Fails if an UPDATE changed no row of dead_letters: another command has
 * deleted the row after this command found it. */
static int
check_not_deleted(struct db *db, const char *id, int64_t changed, struct err *e)
{
	return changed == 1 ? 0 : err_set(e, ERR_LIMIT, false, "%s: this dead "
	    "letter was deleted from %s while the command ran", id,
	    db_name(db));
}

int
letter_close(struct db *db, const char *id, const char *status,
    const char *reason, struct err *e)
{
	int64_t number, changed = 0;

	if (letter_find_row(db, id, &number, e) == -1)
		return -1;
	struct db_value v[] = { DB_I(number), db_text(status),
	    db_text(reason) };

	if (db_run(db, db_sql(db, SQL_LETTER_CLOSE), v, 3, &changed, e) == -1)
		return -1;
	return check_not_deleted(db, id, changed, e);
}

int
letter_erase(struct db *db, const char *id, struct err *e)
{
	struct db_value v;
	int64_t number, changed = 0;

	if (letter_find_row(db, id, &number, e) == -1)
		return -1;
	v = DB_I(number);
	if (db_run(db, db_sql(db, SQL_LETTER_ERASE), &v, 1, &changed,
	    e) == -1 || check_not_deleted(db, id, changed, e) == -1)
		return -1;
	return db_run(db, db_sql(db, SQL_LETTER_ERASE_TIMES), &v, 1, NULL, e);
}
