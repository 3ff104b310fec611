/* The sub-command export: writes each dead letter (a rejected record in the
 * database) as reject lines, one for each time that the record was rejected.
 * etl-dlq put can read these lines. */
#include "dlq.h"

#include "base/text.h"
#include "json/write.h"

#include <string.h>

/* If the record was rejected in a run of etl-run, appends the member "run" with
 * the UUID of the run. The id of such an occurrence is "UUID/...". */
static void
put_run_member(struct buf *b, const struct letter *l, const char *occurrence)
{
	if (l->run != NULL)
		json_put_member(b, "run", occurrence,
		    strcspn(occurrence, "/"));
}

static void
put_reject_members(
    struct buf *b, const struct letter *l, const struct letter_occurrence *t)
{
	buf_str(b, "{\"@etl\":\"reject\",\"v\":1");
	json_put_text(b, "id", l->reject_id);
	json_put_text(b, "occurrence", t->occurrence);
	put_run_member(b, l, t->occurrence);
	put_text_member(b, "pipeline", l->pipeline);
	put_text_member(b, "stream", l->stream);
	put_text_member(b, "stage", l->stage);
	put_text_member(b, "target", l->target);
	put_text_member(b, "code", l->code);
	put_text_member(b, "message", t->message);
	put_text_member(b, "pointer", l->pointer);
	if (l->origin != NULL)
		json_put_raw(b, "origin", l->origin, strlen(l->origin));
	put_text_member(b, "sqlstate", l->sqlstate);
	if (l->http_status != 0)
		json_put_int(b, "http_status", l->http_status);
	if (l->retryable)
		json_put_raw(b, "retryable", "true", 4);
	if (l->bytes != 0) {
		json_put_int(b, "bytes", l->bytes);
		put_text_member(b, "sha256", l->sha256);
	}
	put_text_member(b, "at", t->at);
}

static int
write_reject_line(struct dlq *d, const struct letter *l,
    const struct letter_occurrence *t, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	put_reject_members(&b, l, t);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = out_write_part(d->out, b.data, b.len, e);
	buf_release(&b);
	if (rc == 0)
		rc = write_raw_member(d->out, l, e);
	return rc == 0 ? out_write_line(d->out, "}", 1, e) : rc;
}

/* Writes a reject line for each occurrence of the letter. Leaves out those
 * whose bytes were erased. */
static int
write_letter(struct dlq *d, const struct letter *l, struct left_out *left,
    struct err *e)
{
	struct occurrences o;
	int more = occurrences_open(&o, d, l, TIMES_ALL, e);

	while (more != -1 && (more = occurrences_next(&o, e)) == 1) {
		if (o.with_its_bytes.raw == NULL)
			left_out_add(left, l,
			    "the bytes of one of its rejections were erased");
		else if (write_reject_line(
			     d, &o.with_its_bytes, &o.t, e) == -1)
			more = -1;
	}
	occurrences_close(&o);
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
		return write_letter(d, l, left, e);
	}
}

int
export_command(struct dlq *d, struct err *e)
{
	struct left_out left = { "export", 0 };
	struct letters *letters = NULL;
	struct letter l;
	int more = -1;

	if (dlq_open_database(d, e) == -1 || letters_open(&letters, d->db,
	    &d->selection.filter, e) == -1)
		goto out;
	while ((more = letters_next(letters, &l, e)) == 1)
		if (export_letter(d, letters, &l, &left, e) == -1) {
			more = -1;
			break;
		}
	left_out_print_total(&left);
out:
	letters_close(letters);
	return more;
}
