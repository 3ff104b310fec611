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
reject_lines_start(struct reject_lines *r)
{
	r->first_occurrence = stage_reject_who(r->stage)->n;
	reject_lines_reset(r);
}

void
reject_lines_reset(struct reject_lines *r)
{
	clock_stamp(r->at);
	stage_reject_who(r->stage)->n = r->first_occurrence;
	r->kept = 0;
	spool_clear(&r->spool);
}

bool
reject_lines_foreign(const struct reject_lines *r)
{
	const struct mark *b = stage_begin_mark(r->stage);

	return b != NULL && b->replay && b->nstages == 1 && b->target == NULL;
}

/* Writes the chunk to the temporary file. Does nothing if the chunk is not
 * full. */
static int
write_full_chunk(struct spool *s, struct err *e)
{
	return spool_is_full(s, SIZE_MAX) ? spool_write_chunk(s, e) : 0;
}

/* Appends the line, and a line feed, directly in the memory of the spool.
 * Before a record of 4 MiB or more, and when 8 MiB of reject lines are in
 * memory, these are written to a temporary file, so that memory does not hold
 * several large lines. */
int
reject_lines_add(struct reject_lines *r, const struct reject *reject,
    uint64_t ordinal, struct err *e)
{
	struct reject_who *who = stage_reject_who(r->stage);
	struct spool *s = &r->spool;
	size_t at;
	int rc;

	if (reject->raw_len >= SPOOL_CHUNK / 2 && spool_write_chunk(s, e) == -1)
		return -1;
	at = s->data.len;
	who->at = r->at;
	rc = reject_put_line(&s->data, who, reject, e);
	who->at = NULL;
	if (rc == -1)
		return -1;
	buf_char(&s->data, '\n');
	if (buf_check(&s->data, e) == -1 ||
	    spool_add_appended(s, at, ordinal, e) == -1)
		return -1;
	return write_full_chunk(s, e);
}

int
reject_lines_add_sent(struct reject_lines *r, const struct line *l,
    struct err *e)
{
	return spool_add(&r->spool, ITEM_REJECT, l, e) == -1 ? -1 :
	    write_full_chunk(&r->spool, e);
}
