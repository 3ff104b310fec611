#include "page/paginate.h"

#include "base/suggest.h"

static const struct paginator *const paginators[] = {
	&paginator_none, &paginator_page, &paginator_since, NULL
};

int
paginator_find(const struct paginator **p, const struct extract_opts *o,
    struct err *e)
{
	const char *names[sizeof(paginators) / sizeof(paginators[0])] = { 0 };
	int found;

	for (size_t i = 0; paginators[i] != NULL; i++)
		names[i] = paginators[i]->name;
	found = suggest_find_choice("--paginate", o->paginate == NULL ?
	    "none" : o->paginate, names, e);
	if (found != -1)
		*p = paginators[found];
	return found == -1 ? -1 : 0;
}
