#include "dlq.h"

#include <string.h>

static int
parse_status_option(const char **out, const char *text, const char *other,
    struct err *e)
{
	static const char *const known[] = { "open", "resolved", "discarded" };

	if (text == NULL)
		text = other != NULL ? other : "any";
	*out = NULL;
	if (strcmp(text, "any") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text, known[i]) == 0)
			*out = known[i];
	if (*out != NULL)
		return 0;
	return err_set(e, ERR_USAGE, false,
	    "--status %s: must be open, resolved, discarded or any", text);
}

int
selection_init(struct selection *s, const struct dlq_opts *o,
    const char *status, struct err *e)
{
	*s = (struct selection){ .filter = { .stage = o->stage,
	    .code = o->code, .pipeline = o->pipeline, .run = o->run,
	    .pointer = o->pointer, .like = o->like, .limit = o->limit } };
	if (parse_status_option(&s->filter.status, o->status, status, e) == -1)
		return -1;
	if (o->since != NULL) {
		if (time_option_parse(s->since, "--since", o->since, e) == -1)
			return -1;
		s->filter.since = s->since;
	}
	if (o->until != NULL) {
		if (time_option_parse(s->until, "--until", o->until, e) == -1)
			return -1;
		s->filter.until = s->until;
	}
	return 0;
}
