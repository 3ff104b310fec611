#include "page/paginate.h"

#include "base/suggest.h"

#include <string.h>

static const struct paginator *const paginators[] = {
	&paginator_none, &paginator_page, &paginator_since, NULL
};

int
paginator_find(const struct paginator **p, const struct extract_opts *o,
    struct err *e)
{
	const char *name = o->paginate == NULL ? "none" : o->paginate;

	struct suggestion near = { .typed = name };

	for (size_t i = 0; paginators[i] != NULL; i++) {
		if (strcmp(name, paginators[i]->name) == 0) {
			*p = paginators[i];
			return 0;
		}
		suggest_keep_word_if_nearer(&near, paginators[i]->name);
	}
	(void)err_set(e, ERR_USAGE, false, "--paginate %s: it must be none, "
	    "page or since", name);
	suggest_append_to_error(e, &near, "");
	return -1;
}
