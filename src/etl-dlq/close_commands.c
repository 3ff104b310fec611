/* The sub-commands resolve, discard and erase. Each changes all dead letters
 * (rejected records stored in the database) whose ids are given. If one of them
 * cannot be changed, it changes none. */
#include "base/stop.h"
#include "dlq.h"

#include <stdio.h>

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

/* The sub-command purge: deletes dead letters (stored rejects) that were
 * resolved or discarded long enough ago, and the list of their occurrences.
 * With --open it deletes open letters too. */

enum { AT_ONCE = 1000 };

int
purge_command(struct dlq *d, struct err *e)
{
	struct letter_filter f;
	struct db_value most = DB_I(AT_ONCE);
	int64_t some = 0, all = 0;
	char before[CLOCK_STAMP], text[64];
	int n, rc;

	if (d->opts->older_than == OLDER_NONE)
		return err_set(e, ERR_USAGE, false,
		    "purge: --older-than is missing: give one, such as 90d");
	if (dlq_open_database(d, e) == -1)
		return -1;
	put_time_ago(before, d->opts->older_than);
	f = d->selection.filter;
	f.closed = before;
	f.not_open = !d->opts->open;
	do {
		rc = letters_run(d->db, SQL_LETTERS_PURGE, &most, 1, &f, &some,
		    e);
		if (rc == 0)
			all += some;
	} while (rc == 0 && some > 0 && stop_signal() == 0);
	if (stop_signal() != 0 && (rc == -1 || some > 0))
		return err_set(e, ERR_RETRY, true, "purge: stopped by a "
		    "signal after %lld were purged", (long long)all);
	if (rc == -1)
		return -1;
	n = snprintf(text, sizeof(text), "%lld purged",
	    (long long)all);
	return out_write_line(d->out, text, (size_t)n, e);
}
