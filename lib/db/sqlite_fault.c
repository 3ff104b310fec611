#include "db/sqlite_impl.h"

#include <string.h>

static const struct lite_code {
	int rc;
	enum err_code code;
	bool transient, data, again;
} codes[] = {
	{ SQLITE_BUSY, ERR_REFUSED, true, false, true },
	{ SQLITE_LOCKED, ERR_REFUSED, true, false, true },
	{ SQLITE_PROTOCOL, ERR_REFUSED, true, false, true },
	{ SQLITE_INTERRUPT, ERR_REFUSED, true, false, true },
	{ SQLITE_SCHEMA, ERR_REFUSED, true, false, true },
	{ SQLITE_NOMEM, ERR_IO, true, false, false },
	{ SQLITE_CONSTRAINT, ERR_DATA, false, true, false },
	{ SQLITE_MISMATCH, ERR_DATA, false, true, false },
	{ SQLITE_TOOBIG, ERR_DATA, false, true, false },
	{ SQLITE_FULL, ERR_IO, false, false, false },
	{ SQLITE_IOERR, ERR_IO, false, false, false },
	{ SQLITE_NOLFS, ERR_IO, false, false, false },
	{ SQLITE_READONLY, ERR_DENIED, false, false, false },
	{ SQLITE_PERM, ERR_DENIED, false, false, false },
	{ SQLITE_AUTH, ERR_DENIED, false, false, false },
	{ SQLITE_CANTOPEN, ERR_CREATE, false, false, false },
	{ SQLITE_NOTADB, ERR_CONFIG, false, false, false },
	{ SQLITE_CORRUPT, ERR_IO, false, false, false },
	{ SQLITE_ERROR, ERR_CONFIG, false, false, false },
	{ 0, ERR_BUG, false, false, false },
};

/* Returns what a user can do about the error, or "". `number` is an errno or
 * 0. */
static const char *
failure_advice(const struct lite *c, int rc, int number)
{
	if ((rc & 0xff) == SQLITE_READONLY &&
	    sqlite3_extended_errcode(c->db) != SQLITE_READONLY_DBMOVED)
		return ": this user must be allowed to write the file and its "
		    "folder, in WAL mode also to read it";
	return (rc & 0xff) == SQLITE_CANTOPEN ?
	    fault_create_advice(number) : "";
}

/* Returns how many rows a failed statement has left in the table, or -1 if this
 * is not known. With ON CONFLICT FAIL, the rows before the failure stay. SQLite
 * has their number only if one of these constraints has failed. */
static int64_t
count_kept_rows(sqlite3 *db)
{
	switch (sqlite3_extended_errcode(db)) {
	case SQLITE_CONSTRAINT_CHECK:
	case SQLITE_CONSTRAINT_NOTNULL:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
	case SQLITE_CONSTRAINT_UNIQUE:
		return sqlite3_changes64(db);
	default:
		return -1;
	}
}

int
lite_fail(struct lite *c, int rc, struct err *e)
{
	const struct lite_code *k = codes;
	const char *text = sqlite3_errmsg(c->db);
	int num = sqlite3_system_errno(c->db);

	while (k->rc != 0 && k->rc != (rc & 0xff))
		k++;
	fault_clear(c->fault);
	c->fault->kept = count_kept_rows(c->db);
	c->fault->data = k->data;
	c->fault->again = k->again;
	c->fault->busy = k->rc == SQLITE_BUSY || k->rc == SQLITE_LOCKED;
	c->fault->late = k->rc == SQLITE_INTERRUPT;
	if (k->data) {
		fault_parse_message(c->fault, text);
		return err_set(e, k->code, false, "%s", text);
	}
	if (k->rc == SQLITE_CANTOPEN && num != 0)
		num = fault_open_errno(c->path, num);
	if ((k->rc == SQLITE_IOERR || k->rc == SQLITE_CANTOPEN) && num != 0)
		return err_set(e, k->code, k->transient, "sqlite:%s: %s: %s%s",
		    c->path, text, strerror(num), failure_advice(c, rc, num));
	return err_set(e, k->code, k->transient, "sqlite:%s: %s%s", c->path,
	    text, failure_advice(c, rc, 0));
}
