/* The sub-command purge: deletes dead letters (stored rejects) that were
 * resolved or discarded long enough ago, and the list of their occurrences.
 * With --open it deletes open letters too. */
#include "dlq.h"

#include "base/stop.h"

#include <stdio.h>

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
