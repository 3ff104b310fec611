#include "batch/reject_lines.h"

void
reject_lines_init(struct reject_lines *r, struct stage *s)
{
	*r = (struct reject_lines){ .stage = s };
	spool_init(&r->spool);
}

void
reject_lines_release(struct reject_lines *r)
{
	spool_release(&r->spool);
}

void
reject_lines_start_batch(struct reject_lines *r)
{
	r->first_occurrence = stage_get_reject_identity(r->stage)->n;
	reject_lines_reset_for_try(r);
}

void
reject_lines_reset_for_try(struct reject_lines *r)
{
	clock_format_utc_now(r->at);
	stage_get_reject_identity(r->stage)->n = r->first_occurrence;
	r->kept = 0;
	spool_clear(&r->spool);
}

bool
reject_lines_belong_to_other_stage(const struct reject_lines *r)
{
	const struct mark *b = stage_begin_mark(r->stage);

	return b != NULL && b->replay && b->nstages == 1 && b->target == NULL;
}

static int
write_chunk_if_full(struct spool *s, struct err *e)
{
	return spool_chunk_is_full(s, SIZE_MAX)
		   ? spool_write_chunk_to_file(s, e)
		   : 0;
}

/* Appends the line, and a line feed, directly in the memory of the spool.
 * Before a record of 4 MiB or more, and when 8 MiB of reject lines are in
 * memory, these are written to a temporary file, so that memory does not hold
 * several large lines. */
int
reject_lines_add(struct reject_lines *r, const struct reject *reject,
    uint64_t ordinal, struct err *e)
{
	struct reject_who *who = stage_get_reject_identity(r->stage);
	struct spool *s = &r->spool;
	size_t at;
	int rc;

	if (reject->raw_len >= SPOOL_CHUNK / 2 &&
	    spool_write_chunk_to_file(s, e) == -1)
		return -1;
	at = s->data.len;
	who->at = r->at;
	rc = reject_append_line(&s->data, who, reject, e);
	who->at = NULL;
	if (rc == -1)
		return -1;
	buf_char(&s->data, '\n');
	if (buf_check(&s->data, e) == -1 ||
	    spool_add_appended_line(s, at, ordinal, e) == -1)
		return -1;
	return write_chunk_if_full(s, e);
}

int
reject_lines_add_of_earlier_stage(
    struct reject_lines *r, const struct line *l, struct err *e)
{
	return spool_add(&r->spool, ITEM_REJECT, l, e) == -1 ? -1 :
	    write_chunk_if_full(&r->spool, e);
}
