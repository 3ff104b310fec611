#include "page/paginate.h"

/* A service that sorts by the cursor and has no page numbers: each page is
 * asked for from the highest value so far on (cursor.h, overlap.h). */
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
since_more(void *self, const struct page *p, struct err *e)
{
	return p->records > 0;
}

const struct paginator paginator_since = {
	.name = "since", .overlaps = true, .open = since_open,
	.more = since_more,
};
