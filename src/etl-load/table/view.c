#include "table/view.h"

#include "base/buf.h"

/* Lets the database plan an INSERT, without executing it. */
static int
explain_insert(const struct table *t, struct db *db, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "EXPLAIN INSERT INTO %s DEFAULT VALUES", t->quoted);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = db_run(db, b.data, NULL, 0, NULL, e);
	buf_release(&b);
	return rc;
}

/* Fails if t is a view that cannot be loaded. A mode with a key cannot load a
 * view: the view may hide the row that has a record's key, and the database
 * does not say whether it has inserted or updated a row of a view. */
int
view_check(const struct table *t, const struct load_mode *mode, struct db *db,
    struct err *e)
{
	struct err why;

	if (!t->view)
		return 0;
	if (mode->keyed || mode->removes)
		return err_set(e, ERR_CONFIG, false, "%s is a view: the "
		    "database does not show all that --mode %s must know about "
		    "its rows: load the table under it, or use --mode append",
		    t->name, mode->name);
	if (explain_insert(t, db, &why) == 0)
		return 0;
	if (why.transient || db_fault(db)->lost || why.code == ERR_DENIED) {
		*e = why;
		return -1;
	}
	return err_set(e, ERR_CONFIG, false, "%s is a view that takes no rows "
	    "(%s): make a trigger INSTEAD OF INSERT for it, or load the table "
	    "under it", t->name, why.msg);
}
