#include "reject.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PERCENT = 50, PERCENT_SEEN = 20 };

int
reject_limit_parse_or_default(
    struct reject_limit *l, const char *text, struct err *e)
{
	unsigned long long n;
	char *end;

	*l = (struct reject_limit){ .percent = PERCENT, .by_percent = true };
	if (text == NULL)
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	l->by_percent = strcmp(end, "%") == 0;
	if (!isdigit((unsigned char)text[0]) || errno != 0 ||
	    (*end != '\0' && !l->by_percent) || (l->by_percent && n > 100))
		return err_set(e, ERR_USAGE, false, "--max-rejects %.64s: not "
		    "a number or a percentage, such as 10 or 5%%", text);
	l->count = n;
	l->percent = l->by_percent ? (unsigned)n : 0;
	return 0;
}

bool
reject_limit_exceeded(
    const struct reject_limit *l, uint64_t rejected, uint64_t seen)
{
	if (!l->by_percent)
		return rejected > l->count;
	return seen >= PERCENT_SEEN &&
	    rejected > seen / 100 * l->percent + seen % 100 * l->percent / 100;
}

int
reject_check_limit(const struct reject_limit *l, uint64_t rejected,
    uint64_t seen, const struct causes *c, struct err *e)
{
	struct buf b;

	if (!reject_limit_exceeded(l, rejected, seen))
		return 0;
	buf_init(&b, 64 << 10);
	causes_append_text(&b, c);
	if (rejected == seen)
		causes_append_format_advice(&b, c);
	(void)err_set(e, ERR_LIMIT, false, "%llu of %llu records were "
	    "rejected, more than --max-rejects %llu%s: %s",
	    (unsigned long long)rejected, (unsigned long long)seen,
	    l->by_percent ? l->percent : (unsigned long long)l->count,
	    l->by_percent ? "%" : "", buf_text(&b));
	buf_release(&b);
	return -1;
}

void
reject_warn_if_all_rejected(const char *program, const struct reject_limit *l,
    uint64_t rejected, uint64_t seen, const struct causes *c)
{
	bool judged = !l->by_percent || l->percent == 100 ||
	    seen >= PERCENT_SEEN;
	struct buf b;

	if (judged || rejected == 0 || rejected < seen)
		return;
	buf_init(&b, 64 << 10);
	causes_append_text(&b, c);
	causes_append_format_advice(&b, c);
	if (rejected == 1)
		err_warnf(program, "the only record was rejected: %s",
		    buf_text(&b));
	else
		err_warnf(program, "all %llu records were rejected: %s",
		    (unsigned long long)rejected, buf_text(&b));
	buf_release(&b);
}
