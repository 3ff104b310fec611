#include "new_files/new_files.h"

#include "control/checkpoints.h"
#include "cursor/cursor.h"
#include "scheme.h"

#include <string.h>

/* Refuses options that --new-files does not support. */
static int
refuse_unsupported(const struct extract_opts *o, struct err *e)
{
	const char *name = cursor_find_option(o);

	if (name == NULL && o->each != NULL)
		name = "--each";
	return name == NULL ? 0 : err_set(e, ERR_USAGE, false, "%s cannot be "
	    "used with --new-files: remove one of them", name);
}

bool
new_files_reads_tails(const struct extract_opts *o)
{
	return o->changed != NULL && strcmp(o->changed, "tail") == 0;
}

bool
new_files_are_whole(const struct extract_opts *o)
{
	return o->new_files && o->source_file != NULL &&
	    !new_files_reads_tails(o);
}

int
new_files_check(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e)
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
	if (refuse_unsupported(o, e) == -1 ||
	    checkpoint_check_name(o->checkpoint, strlen(o->checkpoint), e) ==
		-1)
		return -1;
	return cursor_check_store(o, e);
}
