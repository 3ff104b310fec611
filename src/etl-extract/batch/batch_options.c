#include "batch/batch_options.h"

#include "base/suggest.h"
#include "json/pointer.h"

#include <limits.h>

static const char *const missing[] = { "reject", "null", NULL };

enum { DEFAULT_FLUSH = 1000 };

int
batch_options_check(const struct extract_opts *o, struct err *e)
{
	if (o->batch_each == 0 && (o->ids != NULL || o->match != NULL ||
	    o->missing != NULL || o->many || o->flush != FLUSH_NOT_GIVEN))
		return err_set(e, ERR_USAGE, false, "--ids, --match, "
		    "--missing, --many and --flush need --batch-each N");
	if (o->batch_each != 0 && o->each == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--batch-each needs --each TEMPLATE");
	if (o->batch_each != 0 && o->jobs > 1)
		return err_set(e, ERR_USAGE, false, "--batch-each makes one "
		    "request at a time: remove --jobs");
	return 0;
}

int
batch_options_parse(struct batch_options *b, const struct extract_opts *o,
    struct err *e)
{
	int choice = o->missing == NULL ? 0 :
	    suggest_choice("--missing", o->missing, missing, e);

	if (choice == -1)
		return -1;
	*b = (struct batch_options){ .ids = o->ids == NULL ? "/id" : o->ids,
	    .match = o->match == NULL ? "id" : o->match,
	    .missing_is_null = choice == 1, .many = o->many,
	    .flush = o->flush == FLUSH_NOT_GIVEN ? DEFAULT_FLUSH :
	    o->flush > INT_MAX ? INT_MAX : (int64_t)o->flush };
	if (b->ids[0] == '\0' || !pointer_is_valid(b->ids))
		return err_set(e, ERR_USAGE, false, "--ids %s: not a JSON "
		    "Pointer to a member, such as /id or /user/id", b->ids);
	return 0;
}
