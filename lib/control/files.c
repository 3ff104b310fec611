#include "control/files.h"

#include <string.h>

/* Calls each() with the file of a row. Checks the types first: a user may have
 * written the row by hand, and SQLite stores a value of any type in any
 * column. */
static int
call_each(const struct db_rows *r, const char *name, file_state_each *each,
    void *self, struct err *e)
{
	const struct db_value path = db_column(r, 0), mtime = db_column(r, 2),
	    hash = db_column(r, 3), status = db_column(r, 4);
	const struct file_state f = { .path = path.p,
	    .size = db_column(r, 1).i, .mtime = mtime.p,
	    .sha256 = hash.type == DB_TEXT ? hash.p : NULL,
	    .is_broken = status.type == DB_TEXT &&
		strcmp(status.p, "failed") == 0 };

	if (path.type != DB_TEXT || mtime.type != DB_TEXT)
		return err_set(e, ERR_CONFIG, false, "etl_files: a row of %s "
		    "has a path or an mtime that is no text: correct or "
		    "delete the row", name);
	return each(self, &f, e);
}

int
files_read(struct db *db, const char *name, file_state_each *each, void *self,
    struct err *e)
{
	struct db_value v = db_text(name);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_FILES_READ), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if (call_each(r, name, each, self, e) == -1) {
			rc = -1;
			break;
		}
	db_end(r);
	return rc;
}

/* Stores the files of a JSON array with this status. Does nothing if it is
 * NULL. */
static int
store_files(struct db *db, const char *name, const char *run, const char *json,
    const char *status, struct err *e)
{
	struct db_value v[] = { db_text(name), db_text(json), db_text(run),
	    db_text(status) };

	if (json == NULL)
		return 0;
	return db_run(db, db_sql(db, SQL_FILES_STORE), v, 4, NULL, e);
}

int
files_store(struct db *db, const char *name, const char *run,
    const struct files_change *c, struct err *e)
{
	return store_files(db, name, run, c->done, "done", e) ==
	    -1 ? -1 :
	    store_files(db, name, run, c->broken, "failed", e);
}
