#include "probe/findings.h"

#include "base/shell_word.h"
#include "base/text.h"

enum { TEXT_MAX = 4096 };

static const struct {
	const char *name, *option;      /* option is NULL if the part has
					 * none */
} parts[PARTS] = {
	[PART_RECORDS] = { "records", "--records" },
	[PART_PAGING] = { "paging", "--paginate" },
	[PART_NEXT] = { "next page", "--next" },
	[PART_INTO] = { "its place", "--into" },
	[PART_MORE] = { "more pages", "--more" },
	[PART_SIZE] = { "page size", "--size" },
	[PART_TOTAL] = { "total", "--total" },
	[PART_FIELD] = { "cursor field", NULL },
};

static const char *const sureness[] = {
	[NOT_FOUND] = "not found", [GUESS] = "a guess", [LIKELY] = "likely",
	[SURE] = "sure",
};

void
findings_init(struct findings *f)
{
	for (size_t i = 0; i < PARTS; i++) {
		f->part[i].sure = NOT_FOUND;
		buf_init(&f->part[i].value, TEXT_MAX);
		buf_init(&f->part[i].why, TEXT_MAX);
	}
}

void
findings_release(struct findings *f)
{
	for (size_t i = 0; i < PARTS; i++) {
		buf_release(&f->part[i].value);
		buf_release(&f->part[i].why);
	}
}

void
findings_set(struct findings *f, enum part part, enum sureness sure,
    const char *value, const char *why)
{
	struct finding *to = &f->part[part];

	if (to->sure >= sure)
		return;
	to->sure = sure;
	buf_clear(&to->value);
	buf_clear(&to->why);
	buf_str(&to->value, value);
	buf_str(&to->why, why);
	(void)buf_text(&to->value);
}

int
findings_check(struct findings *f, struct err *e)
{
	for (size_t i = 0; i < PARTS; i++)
		if (buf_check(&f->part[i].value, e) == -1 ||
		    buf_check(&f->part[i].why, e) == -1)
			return -1;
	return 0;
}

void
findings_put_comments(const struct findings *f, struct buf *b)
{
	for (size_t i = 0; i < PARTS; i++) {
		const struct finding *p = &f->part[i];

		if (p->sure == NOT_FOUND)
			continue;
		buf_printf(b, "# %s: %s: ", parts[i].name, sureness[p->sure]);
		text_show(b, p->why.data, p->why.len);
		buf_char(b, '\n');
	}
}

void
findings_put_options(const struct findings *f, struct buf *b)
{
	for (size_t i = 0; i < PARTS; i++) {
		const struct finding *p = &f->part[i];

		if (parts[i].option == NULL || p->value.len == 0)
			continue;
		buf_printf(b, " %s ", parts[i].option);
		put_shell_word(b, p->value.data);
	}
}
