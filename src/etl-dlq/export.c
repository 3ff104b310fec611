/* The sub-command export: writes each dead letter (a rejected record in the
 * database) as reject lines, one for each time that the record was rejected.
 * etl-dlq put can read these lines. */
#include "dlq.h"

#include "base/text.h"
#include "json/write.h"

#include <string.h>

/* Appends the member "run" if the letter was rejected in a run. The occurrence
 * id is then "RUN/...", and RUN is the run's uuid. */
static void
run_member(struct buf *b, const struct letter *l, const char *occurrence)
{
	if (l->run != NULL)
		json_put_member(b, "run", occurrence,
		    strcspn(occurrence, "/"));
}

static void
put_members(struct buf *b, const struct letter *l, const struct letter_time *t)
{
	buf_str(b, "{\"@etl\":\"reject\",\"v\":1");
	json_put_text(b, "id", l->reject_id);
	json_put_text(b, "occurrence", t->occurrence);
	run_member(b, l, t->occurrence);
	text_member(b, "pipeline", l->pipeline);
	text_member(b, "stage", l->stage);
	text_member(b, "code", l->code);
	text_member(b, "message", t->message);
	text_member(b, "pointer", l->pointer);
	if (l->origin != NULL)
		json_put_raw(b, "origin", l->origin, strlen(l->origin));
	text_member(b, "sqlstate", l->sqlstate);
	if (l->http_status != 0)
		json_put_int(b, "http_status", l->http_status);
	if (l->retryable)
		json_put_raw(b, "retryable", "true", 4);
	if (l->bytes != 0) {
		json_put_int(b, "bytes", l->bytes);
		text_member(b, "sha256", l->sha256);
	}
	text_member(b, "at", t->at);
}

static int
write_occurrence(struct dlq *d, const struct letter *l,
    const struct letter_time *t, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	put_members(&b, l, t);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = out_write_part(d->out, b.data, b.len, e);
	buf_release(&b);
	if (rc == 0)
		rc = raw_json(d->out, l, e);
	return rc == 0 ? out_line(d->out, "}", 1, e) : rc;
}

static int
write_letter(struct dlq *d, const struct letter *l, struct err *e)
{
	struct letter_times *times = NULL;
	struct letter_time t;
	int more = letter_times_open(&times, d->db, l->id, e);

	while (more != -1 && (more = letter_times_next(times, &t, e)) == 1)
		if (write_occurrence(d, l, &t, e) == -1)
			more = -1;
	letter_times_close(times);
	return more;
}

static int
export_letter(struct dlq *d, struct letters *from, struct letter *l,
    struct left_out *left, struct err *e)
{
	if (l->erased_at != NULL) {
		left_out_add(left, l, "its bytes were erased");
		return 0;
	}
	switch (letters_read_raw(from, l, e)) {
	case -1:
		return -1;
	case 0:
		left_out_add(left, l, "another command changed it while it was "
		    "read");
		return 0;
	default:
		return write_letter(d, l, e);
	}
}

int
export_command(struct dlq *d, struct err *e)
{
	struct left_out left = { "export", 0 };
	struct letters *letters = NULL;
	struct letter l;
	int more = -1;

	if (dlq_open(d, e) == -1 || letters_open(&letters, d->db,
	    &d->selection.filter, e) == -1)
		goto out;
	while ((more = letters_next(letters, &l, e)) == 1)
		if (export_letter(d, letters, &l, &left, e) == -1) {
			more = -1;
			break;
		}
	left_out_end(&left);
out:
	letters_close(letters);
	return more;
}
