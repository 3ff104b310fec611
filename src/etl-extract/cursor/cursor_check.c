#include "cursor/cursor.h"

#include "control/statefile.h"
#include "json/pointer.h"
#include "scheme.h"

#include <string.h>

const char *
cursor_find_option(const struct extract_opts *o)
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
		{ "--conditional", o->conditional },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].given)
			return all[i].name;
	return NULL;
}

int
cursor_refuse(const struct extract_opts *o, struct err *e)
{
	const char *name = cursor_find_option(o);

	if (name == NULL)
		name = o->state != NULL ? "--state" :
		    o->db != NULL ? "--db" :
		    o->control_schema != NULL ? "--control-schema" : NULL;
	return name == NULL ? 0 : err_set(e, ERR_USAGE, false,
	    "%s needs --checkpoint", name);
}

static bool
is_query(const struct extract_opts *o)
{
	return o->query != NULL || o->table != NULL;
}

/* Refuses options for URLs if the source is a database: the bounds of an SQL
 * query are its parameters :since and :until. */
static int
refuse_url_options(const struct extract_opts *o, struct err *e)
{
	const char *name = o->since_param != NULL ? "--since-param" :
	    o->conditional ? "--conditional" :
	    o->until_param != NULL ? "--until-param" : NULL;

	if (name == NULL)
		return 0;
	return err_set(e, ERR_USAGE, false, "%s can be used only for a SOURCE "
	    "that is a URL of HTTP: %s", name, o->table != NULL ?
	    "--table sets the bounds itself" :
	    "write :since and :until into the query");
}

static int
check_bounds(const struct extract_opts *o, struct err *e)
{
	const struct {
		const char *name, *text;
	} values[] = {
		{ "--since-param", o->since_param }, { "--start", o->start },
		{ "--since", o->since }, { "--until", o->until },
		{ "--until-param", o->until_param },
	};
	struct lookback lookback;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (values[i].text != NULL && *values[i].text == '\0')
			return err_set(e, ERR_USAGE, false,
			    "%s: the value must not be empty", values[i].name);
	if (!is_query(o) && (o->until == NULL) != (o->until_param == NULL))
		return err_set(e, ERR_USAGE, false,
		    "--until and --until-param must be given together");
	if (o->until_param != NULL &&
	    strcmp(o->until_param, o->since_param) == 0)
		return err_set(e, ERR_USAGE, false,
		    "--since-param and --until-param: both name the parameter "
		    "%s: give two different names", o->since_param);
	if (o->lookback != NULL &&
	    lookback_parse(&lookback, o->lookback) == -1)
		return err_set(e, ERR_USAGE, false, "--lookback %s: must be a "
		    "duration such as 5m, or a whole number", o->lookback);
	return 0;
}

int
cursor_check_store(const struct extract_opts *o, struct err *e)
{
	const char *path;

	if (o->state != NULL && o->db != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--state and --db: give only one of them, the place where "
		    "the checkpoint is stored");
	if (o->state != NULL && o->control_schema != NULL)
		return err_set(e, ERR_USAGE, false, "--state and "
		    "--control-schema: a state file has no schema: give only "
		    "one of them");
	return o->state == NULL ? 0 : statefile_parse(&path, o->state, e);
}

int
cursor_check(const struct extract_opts *o, char *const *uri, size_t n,
    struct err *e)
{
	if (o->checkpoint == NULL)
		return cursor_refuse(o, e);
	if (o->each != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--checkpoint cannot be used with --each: remove one of "
		    "them");
	if (checkpoint_check_name(o->checkpoint, strlen(o->checkpoint), e) ==
	    -1)
		return -1;
	if (n > 0 && !is_query(o) && !scheme_is_present(uri[0]))
		return err_set(e, ERR_USAGE, false, "--checkpoint: the SOURCE "
		    "must be one URL; for files, also give --new-files");
	if (o->cursor_field == NULL ||
	    (o->since_param == NULL && !is_query(o)))
		return err_set(e, ERR_USAGE, false, is_query(o) ?
		    "--checkpoint needs --cursor-field" :
		    "--checkpoint needs --cursor-field and --since-param");
	if (is_query(o) && refuse_url_options(o, e) == -1)
		return -1;
	if (*o->cursor_field == '\0' || !pointer_is_valid(o->cursor_field))
		return err_set(e, ERR_USAGE, false, "--cursor-field %s: not a "
		    "JSON Pointer, such as /updated_at", o->cursor_field);
	if (n != 1 || (!is_query(o) && strstr(uri[0], "://") == NULL))
		return err_set(e, ERR_USAGE, false,
		    "--checkpoint needs exactly one SOURCE, which must be a "
		    "URL");
	return check_bounds(o, e) == -1 ? -1 : cursor_check_store(o, e);
}
