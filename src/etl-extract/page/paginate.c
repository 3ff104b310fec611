#include "page/paginate.h"

#include "base/suggest.h"

enum { KINDS = 6, NAMES_MAX = 128 };

static const struct paginator *const paginators[KINDS] = {
	&paginator_none, &paginator_page, &paginator_offset,
	&paginator_cursor, &paginator_link, &paginator_since,
};

/* Sets the error for an option that this paginator does not accept. */
static int
refuse_paging_option(const struct paginator *p, const char *option,
    unsigned bit, struct err *e)
{
	size_t left = 0;
	struct buf b;

	for (size_t i = 0; i < KINDS; i++)
		left += (paginators[i]->takes & bit) != 0;
	buf_init(&b, NAMES_MAX);
	for (size_t i = 0; i < KINDS; i++) {
		if ((paginators[i]->takes & bit) == 0)
			continue;
		buf_str(&b, paginators[i]->name);
		left--;
		buf_str(&b, left > 1 ? ", " : left == 1 ? " or " : "");
	}
	(void)err_set(e, ERR_USAGE, false, "%s needs --paginate %s; it has no "
	    "use with --paginate %s", option, buf_text(&b), p->name);
	buf_release(&b);
	return -1;
}

static int
check_paging_options(const struct paginator *p, const struct extract_opts *o,
    struct err *e)
{
	const struct {
		const char *option;
		unsigned bit;
		bool given;
	} some[] = {
		{ "--into", TAKES_INTO, o->into != NULL },
		{ "--first", TAKES_FIRST, o->first != FIRST_NOT_GIVEN },
		{ "--size", TAKES_SIZE, o->size != NULL },
		{ "--total", TAKES_TOTAL, o->total != NULL },
		{ "--next", TAKES_NEXT, o->next != NULL },
		{ "--more", TAKES_MORE, o->more != NULL },
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (some[i].given && (p->takes & some[i].bit) == 0)
			return refuse_paging_option(p, some[i].option,
			    some[i].bit, e);
	return 0;
}

int
paginator_choose(const struct paginator **p, const struct extract_opts *o,
    struct err *e)
{
	const char *names[KINDS + 1] = { 0 };
	int found;

	for (size_t i = 0; i < KINDS; i++)
		names[i] = paginators[i]->name;
	found = suggest_choice("--paginate", o->paginate == NULL ?
	    "none" : o->paginate, names, e);
	if (found == -1)
		return -1;
	*p = paginators[found];
	return check_paging_options(*p, o, e);
}

int
paginator_check_jobs(const struct paginator *p, const struct extract_opts *o,
    struct err *e)
{
	if (o->jobs <= 1)
		return 0;
	if (p->prepare_upcoming == NULL)
		return err_set(e, ERR_USAGE, false, "--jobs needs --paginate "
		    "page or offset for a URL: with --paginate %s, the URL of "
		    "a page is only known when the page before it has come",
		    p->name);
	return o->total != NULL ? 0 : err_set(e, ERR_USAGE, false,
	    "--jobs needs --total for a URL: without it the number of pages "
	    "is not known");
}
