#include "page/paginate.h"

/* Checks the options of --paginate since, which is for services that sort their
 * records by the cursor field (--cursor-field) and have no page numbers. Each
 * request asks for the records from the highest cursor value so far on (>=),
 * which cursor_put_bounds() puts into the URL. So each page repeats the last
 * records of the page before; overlap.h finds these records. */
static int
since_open(void **self, const struct extract_opts *o, struct err *e)
{
	*self = NULL;
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
	.name = "since", .takes = TAKES_SIZE, .overlaps = true,
	.open = since_open,
	.has_more = since_has_more,
};
