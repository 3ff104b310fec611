#include "dlq.h"

#include "control/control.h"

#include <stdio.h>
#include <unistd.h>

int
dlq_open_database(struct dlq *d, struct err *e)
{
	if (control_open_and_ensure(
		&d->db, d->opts->db, d->opts->control_schema, false, e) == -1)
		return -1;
	return letter_filter_find_run(d->db, &d->selection.filter, e);
}

void
dlq_print_no_match(const struct dlq *d, const char *command)
{
	const char *status = d->selection.filter.status;

	if (isatty(STDERR_FILENO) == 1)
		(void)fprintf(stderr, "etl-dlq: %s: no %s%sletter in %s "
		    "matches\n", command, status != NULL ? status : "",
		    status != NULL ? " " : "", db_name(d->db));
}
