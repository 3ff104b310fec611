#include "reject.h"

enum {
	PERCENT = 50,
	SEEN = 20, SEEN_AT_END = 5,     /* how many records are needed to judge
	                                 * a percentage */
	CAUSES_BYTES = 3328             /* maximum length of all causes: the
	                                 * message must fit into a struct err */
};

int
reject_limit_parse(struct limit *l, const char *text, struct err *e)
{
	*l = (struct limit){ .percent = PERCENT, .by_percent = true };
	return text == NULL ? 0 : limit_parse(l, "--max-rejects", text, e);
}

/* A percentage counts only after enough records. */
static bool
has_seen_enough(const struct limit *l, const struct reject_tally *t)
{
	return !l->by_percent || t->seen >= (t->ended ? SEEN_AT_END : SEEN);
}

bool
reject_limit_exceeded(
    const struct limit *l, const struct reject_tally *t)
{
	return has_seen_enough(l, t) && t->rejected > limit_allowed(l, t->seen);
}

int
reject_check_limit(const struct limit *l, const struct reject_tally *t,
    const struct causes *c, const char *stored, struct err *e)
{
	struct buf advice, causes;

	if (!reject_limit_exceeded(l, t))
		return 0;
	buf_init(&advice, 1024);
	buf_init(&causes, 64 << 10);
	if (t->rejected == t->seen)
		causes_advise_format(&advice, c);
	if (t->plain)
		causes_advise_filter(&advice, c);
	causes_put(&causes, c, "\n  ", CAUSES_BYTES);
	(void)err_set(e, ERR_LIMIT, false, "%llu of %llu records were "
	    "rejected, more than --max-rejects %llu%s%s; %s:\n  %s",
	    (unsigned long long)t->rejected, (unsigned long long)t->seen,
	    l->by_percent ? l->percent : (unsigned long long)l->count,
	    l->by_percent ? "%" : "", buf_text(&advice), stored,
	    buf_text(&causes));
	buf_release(&advice);
	buf_release(&causes);
	return -1;
}

void
reject_warn_all(const char *program, const struct limit *l,
    const struct reject_tally *t, const struct causes *c)
{
	struct buf b;

	if (has_seen_enough(l, t) || l->percent == 100 ||
	    t->rejected == 0 || t->rejected < t->seen)
		return;
	buf_init(&b, 64 << 10);
	causes_put(&b, c, "; ", CAUSES_BYTES);
	causes_advise_format(&b, c);
	if (t->plain)
		causes_advise_filter(&b, c);
	if (t->rejected == 1)
		err_warnf(program, "the only record was rejected: %s",
		    buf_text(&b));
	else
		err_warnf(program, "all %llu records were rejected: %s",
		    (unsigned long long)t->rejected, buf_text(&b));
	buf_release(&b);
}
