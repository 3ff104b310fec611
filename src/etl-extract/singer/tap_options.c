#include "control/checkpoints.h"
#include "cursor/cursor.h"
#include "singer/tap.h"
#include "source_options.h"

#include <string.h>

int
tap_check(const struct extract_opts *o, size_t n, struct err *e)
{
	if (n == 0)
		return err_set(e, ERR_USAGE, false, "--singer needs the "
		    "command of a tap after it, such as --singer tap-github "
		    "--config config.json");
	if (source_options_check(o, KIND_TAP, e) == -1)
		return -1;
	if (o->checkpoint == NULL)
		return cursor_refuse(o, e);
	return checkpoint_check_name(o->checkpoint, strlen(o->checkpoint), e) ==
	    -1 ? -1 : cursor_check_store(o, e);
}
