/* etl-status --run ID: prints the report on one run. */
#include "run.h"

#include "status.h"

#include "control/find_by_id.h"

#include <string.h>

/* Sets *number to the number of the run that the option --run names. The option
 * may be this number, the start of the run's uuid, or "last". */
static int
find_run(struct status *s, int64_t *number, struct err *e)
{
	static const struct id_kind run = { SQL_STATUS_BY_NUMBER,
	    SQL_STATUS_BY_PREFIX, "0123456789abcdef-", "run", "runs" };

	if (strcmp(s->opts->run, "last") == 0)
		return find_last_run(s, number, e);
	return find_row_by_id(s->db, &run, s->opts->run, number, e);
}

int
print_run_report(struct status *s, struct err *e)
{
	struct run_report h;
	struct buf b;
	int64_t number = 0;
	int rc = -1;

	if (find_run(s, &number, e) == -1)
		return -1;
	buf_init(&b, SIZE_MAX / 4);
	if (run_report_read(&h, s->db, number, e) == -1)
		goto out;
	run_report_check(&h);
	if (buf_check(&h.problems, e) == -1)
		goto out;
	if (s->opts->json)
		run_report_put_json(&b, &h);
	else
		run_report_put_text(&b, &h);
	rc = status_print(s, &b, e);
out:
	run_report_release(&h);
	buf_release(&b);
	return rc;
}
