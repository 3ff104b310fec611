#include "stage_impl.h"

int
stage_hold(struct stage *s, struct err *e)
{
	struct buf both;
	int rc = 0;

	buf_init(&both, SIZE_MAX / 4);
	if (s->kept.len > 0)
		rc = mark_add_files(&both, s->line.data,
		    s->line.len, s->kept.data, s->kept.len, e);
	else
		buf_add(&both, s->line.data, s->line.len);
	if (rc == 0)
		rc = buf_check(&both, e);
	buf_release(&s->kept);
	s->kept = both;
	return rc;
}

/* Writes the checkpoint mark that was held back, just before the resolve or end
 * mark that was read after it. No record comes between the two marks, so the
 * counts of the mark that was read are right for the held checkpoint, too. */
int
stage_write_held(struct stage *s, struct err *e)
{
	struct buf moved;
	int rc = -1;

	if (s->kept.len == 0)
		return 0;
	buf_init(&moved, s->text.max);
	buf_clear(&s->text);
	if (mark_replace_stages(&moved, s->kept.data, s->kept.len, s->line.data,
	    s->line.len, e) == 0 &&
	    mark_add_stage(&s->text, moved.data, moved.len, &s->counts, e) == 0)
		rc = out_write_line(s->out, s->text.data, s->text.len, e);
	buf_release(&moved);
	buf_clear(&s->kept);
	return rc;
}

void
stage_drop_passed(struct stage *s, uint64_t n)
{
	s->passed -= n;
	s->counts.dropped += n;
}
