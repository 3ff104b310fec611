#include "page/paginate.h"

static int
none_open(void **self, const struct extract_opts *o, struct err *e)
{
	*self = NULL;
	return 0;
}

static int
none_has_more(void *self, const struct page *p, struct err *e)
{
	return 0;
}

const struct paginator paginator_none = {
	.name = "none", .open = none_open, .has_more = none_has_more,
};
