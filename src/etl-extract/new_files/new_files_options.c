#include "new_files/new_files.h"

#include "control/checkpoints.h"
#include "cursor/cursor.h"
#include "scheme.h"

#include <string.h>

/* The options of a cursor have no meaning for files. */
static int
refuse_cursor_options(const struct extract_opts *o, struct err *e)
{
	const struct {
		const char *name;
		bool given;
	} all[] = {
		{ "--cursor-field", o->cursor_field != NULL },
		{ "--since-param", o->since_param != NULL },
		{ "--start", o->start != NULL },
		{ "--since", o->since != NULL },
		{ "--lookback", o->lookback != NULL },
		{ "--until", o->until != NULL },
		{ "--until-param", o->until_param != NULL },
		{ "--ordered", o->ordered },
		{ "--each", o->each != NULL },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].given)
			return err_set(e, ERR_USAGE, false, "%s cannot be "
			    "used with --new-files: remove one of them",
			    all[i].name);
	return 0;
}

bool
new_files_reads_tails(const struct extract_opts *o)
{
	return o->changed != NULL && strcmp(o->changed, "tail") == 0;
}

int
new_files_check_options(
    const struct extract_opts *o, char *const *uri, size_t n, struct err *e)
{
	if (!o->new_files)
		return o->changed == NULL ? 0 : err_set(e, ERR_USAGE,
		    false, "--changed needs --new-files");
	if (o->changed != NULL && strcmp(o->changed, "reread") != 0 &&
	    strcmp(o->changed, "fail") != 0 && !new_files_reads_tails(o))
		return err_set(e, ERR_USAGE, false, "--changed %s: give "
		    "reread, tail or fail", o->changed);
	if (o->checkpoint == NULL)
		return err_set(e, ERR_USAGE, false, "--new-files needs "
		    "--checkpoint NAME, under which the files are stored");
	for (size_t i = 0; i < n; i++)
		if (strcmp(uri[i], "-") == 0 || scheme_is_present(uri[i]))
			return err_set(e, ERR_USAGE, false, "%s: --new-files "
			    "needs files, directories or globs", uri[i]);
	if (refuse_cursor_options(o, e) == -1 ||
	    checkpoint_check_name(o->checkpoint, strlen(o->checkpoint), e) ==
		-1)
		return -1;
	return cursor_check_place(o, e);
}
