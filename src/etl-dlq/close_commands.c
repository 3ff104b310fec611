/* The sub-commands resolve, discard and erase. Each changes all dead letters
 * (rejected records stored in the database) whose ids are given. If one of them
 * cannot be changed, it changes none. */
#include "dlq.h"

/* Closes all letters that the operands name, in one transaction. */
static int
close_letters(struct dlq *d, const char *status, struct err *e)
{
	if (dlq_open_database(d, e) == -1 || db_begin(d->db, e) == -1)
		return -1;
	for (int i = 0; i < d->nargs; i++)
		if (letter_close(d->db, d->args[i], status, d->opts->reason,
		    e) == -1) {
			db_rollback(d->db);
			return -1;
		}
	return db_commit(d->db, e);
}

int
resolve_command(struct dlq *d, struct err *e)
{
	return close_letters(d, "resolved", e);
}

int
discard_command(struct dlq *d, struct err *e)
{
	return close_letters(d, "discarded", e);
}

/* Erases the stored bytes of the letters. In an SQLite file, secure_delete
 * makes SQLite overwrite deleted bytes. The write-ahead log may have copies of
 * them, so wal_checkpoint(TRUNCATE) empties it after the commit. If another
 * program is reading the database, the log cannot be emptied; that is not a
 * failure. */
int
erase_command(struct dlq *d, struct err *e)
{
	struct err ignored;

	if (dlq_open_database(d, e) == -1)
		return -1;
	if (db_kind(d->db) == DB_SQLITE &&
	    db_script(d->db, "PRAGMA secure_delete = ON", e) == -1)
		return -1;
	if (db_begin(d->db, e) == -1)
		return -1;
	for (int i = 0; i < d->nargs; i++)
		if (letter_erase(d->db, d->args[i], e) == -1) {
			db_rollback(d->db);
			return -1;
		}
	if (db_commit(d->db, e) == -1)
		return -1;
	if (db_kind(d->db) == DB_SQLITE)
		(void)db_script(d->db, "PRAGMA wal_checkpoint(TRUNCATE)",
		    &ignored);
	return 0;
}
