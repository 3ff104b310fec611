/* --run: one run, and what became of every record of it. */
#include "run.h"

#include "status.h"

int
run_report(struct status *s, struct err *e)
{
	struct history h;
	struct buf b;
	int rc = -1;

	buf_init(&b, SIZE_MAX / 4);
	if (history_read(&h, s->db, s->opts->run, e) == -1)
		goto out;
	history_check(&h);
	if (buf_check(&h.problems, e) == -1)
		goto out;
	if (s->opts->json)
		history_json(&b, &h);
	else
		history_text(&b, &h);
	rc = status_print(s, &b, e);
out:
	history_release(&h);
	buf_release(&b);
	return rc;
}
