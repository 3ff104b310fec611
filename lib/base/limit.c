#include "base/limit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
limit_parse(
    struct limit *l, const char *option, const char *text, struct err *e)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	l->by_percent = strcmp(end, "%") == 0;
	if (!isdigit((unsigned char)text[0]) || errno != 0 ||
	    (*end != '\0' && !l->by_percent) || (l->by_percent && n > 100))
		return err_set(e, ERR_USAGE, false, "%s %.64s: not a number "
		    "or a percentage, such as 10 or 5%%", option, text);
	l->count = n;
	l->percent = l->by_percent ? (unsigned)n : 0;
	return 0;
}

uint64_t
limit_allowed(const struct limit *l, uint64_t all)
{
	return l->by_percent ?
	    all / 100 * l->percent + all % 100 * l->percent / 100 : l->count;
}
