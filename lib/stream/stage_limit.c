#include "stage_impl.h"

uint64_t
stage_count_outcomes(const struct stage *s)
{
	return s->counts.rejected + (s->conf->source ? s->counts.out :
	    s->passed + s->counts.dropped);
}

bool
stage_is_plain(const struct stage *s)
{
	return s->state == STATE_PLAIN && !s->conf->source;
}

struct reject_tally
stage_reject_tally(const struct stage *s, bool ended)
{
	return (struct reject_tally){ .rejected = s->counts.rejected,
		.seen = stage_count_outcomes(s), .ended = ended,
		.plain = stage_is_plain(s) };
}

int
stage_check_limit(const struct stage *s, bool ended, struct err *e)
{
	const struct reject_tally t = stage_reject_tally(s, ended);

	/* If the stream has marks, the mark failed tells etl-load to commit
	 * nothing more. If it is plain, etl-load does not learn of the
	 * failure. */
	return reject_check_limit(&s->limit, &t, s->causes,
	    s->state == STATE_PLAIN ?
	    "records that it wrote before the last reject may be loaded" :
	    "etl-load stores nothing past its last commit", e);
}
