#include "pg/pg_fault.h"

#include "base/stop.h"

#include <string.h>

static bool
starts_with_any(const char *state, const char *const *prefix)
{
	for (; *prefix != NULL; prefix++)
		if (strncmp(state, *prefix, strlen(*prefix)) == 0)
			return true;
	return false;
}

bool
pg_may_blame_record(const struct db_fault *f, bool judge_all)
{
	static const char *const never[] = { "08", "53", "57P", NULL };
	static const char *const may_pass[] = { "40001", "40P01", "55P03",
		"57014", NULL };

	if (f->lost || f->sqlstate[0] == '\0' ||
	    starts_with_any(f->sqlstate, never))
		return false;
	return judge_all ? stop_signal() == 0 :
	    !starts_with_any(f->sqlstate, may_pass);
}
