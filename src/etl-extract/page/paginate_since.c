#include "page/paginate.h"

/* For services that sort by the cursor and have no page numbers: each page
 * is requested from the highest cursor value so far on. cursor_set_bounds()
 * puts this value into the URL, and overlap.h finds the records that come
 * again. */
static int
since_open(void **self, const struct extract_opts *o, struct err *e)
{
	*self = NULL;
	if (o->into != NULL || o->total != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--into and --total need --paginate page");
	if (o->checkpoint == NULL || o->size == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--paginate since needs --checkpoint and --size");
	return 0;
}

static int
since_has_more(void *self, const struct page *p, struct err *e)
{
	return p->records > 0;
}

const struct paginator paginator_since = {
	.name = "since", .overlaps = true, .open = since_open,
	.has_more = since_has_more,
};
