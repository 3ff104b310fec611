#include "record_options.h"

#include "base/suggest.h"

int
record_options_check(uint64_t max_record, const char *duplicates,
    enum json_members *members, struct err *e)
{
	static const char *const values[] = { "last", NULL };

	*members = duplicates != NULL ? JSON_LAST : JSON_UNIQUE;
	if (duplicates != NULL && suggest_choice("--duplicate-members",
	    duplicates, values, e) == -1)
		return -1;
	if (max_record >= 1 && max_record <= 1 << 30)
		return 0;
	return err_set(e, ERR_USAGE, false,
	    "--max-record: the value must be from 1 byte to 1GiB");
}
