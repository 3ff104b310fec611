#include "control/checkpoints.h"
#include "cursor/cursor.h"
#include "singer/tap.h"

#include <string.h>

static int
refuse_options_of_other_sources(const struct extract_opts *o, struct err *e)
{
	const struct {
		const char *name;
		bool given;
	} other[] = {
		{ "--changed", o->changed != NULL },
		{ "--each", o->each != NULL },
		{ "--encoding", o->encoding != NULL },
		{ "--format", o->format != NULL },
		{ "--jobs", o->jobs > 1 },
		{ "--new-files", o->new_files },
		{ "--paginate", o->paginate != NULL },
		{ "--query", o->query != NULL },
		{ "--records", o->records != NULL },
		{ "--recursive", o->recursive },
		{ "--source-file", o->source_file != NULL },
		{ "--table", o->table != NULL },
	};
	const char *name = cursor_option_given(o);

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (name == NULL && other[i].given)
			name = other[i].name;
	return name == NULL ? 0 : err_set(e, ERR_USAGE, false, "%s cannot be "
	    "used with --singer: remove it", name);
}

int
tap_check_options(const struct extract_opts *o, size_t n, struct err *e)
{
	if (n == 0)
		return err_set(e, ERR_USAGE, false, "--singer needs the "
		    "command of a tap after it, such as --singer tap-github "
		    "--config config.json");
	if (refuse_options_of_other_sources(o, e) == -1)
		return -1;
	if (o->checkpoint == NULL)
		return cursor_refuse_options(o, e);
	return checkpoint_check_name(o->checkpoint, strlen(o->checkpoint), e) ==
	    -1 ? -1 : cursor_check_place(o, e);
}
