#include "base/suggest.h"
#include "dlq.h"

#include <string.h>

/* Sets *out to the status, or to NULL for any. */
static int
parse_status(const char **out, const char *text, const char *default_status,
    struct err *e)
{
	static const char *const known[] = { "open", "resolved", "discarded",
		"any", NULL };
	int found;

	if (text == NULL)
		text = default_status != NULL ? default_status : "any";
	found = suggest_choice("--status", text, known, e);
	*out = found == -1 || strcmp(known[found], "any") == 0 ? NULL :
	    known[found];
	return found == -1 ? -1 : 0;
}

int
selection_init(struct selection *s, const struct dlq_opts *o,
    const char *default_status, struct err *e)
{
	*s = (struct selection){ .filter = { .stage = o->stage,
	    .code = o->code, .pipeline = o->pipeline, .run = o->run,
	    .stream = o->stream, .target = o->target,
	    .pointer = o->pointer, .like = o->like, .limit = o->limit } };
	if (parse_status(&s->filter.status, o->status, default_status, e) == -1)
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
