#include "page/paginate.h"

static int
none_check_options(void **self, const struct extract_opts *o, struct err *e)
{
	*self = NULL;
	if (o->into != NULL || o->total != NULL || o->size != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--into and --total need --paginate page; --size needs "
		    "--paginate page or since");
	return 0;
}

static int
none_has_more(void *self, const struct page *p, struct err *e)
{
	return 0;
}

const struct paginator paginator_none = {
	.name = "none", .open = none_check_options, .has_more = none_has_more,
};
