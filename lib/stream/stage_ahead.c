#include "stage_impl.h"

static bool
is_blank(const struct line *l)
{
	for (size_t i = 0; i < l->len; i++)
		if (l->data[i] != ' ' && l->data[i] != '\t' &&
		    l->data[i] != '\r')
			return false;
	return true;
}

enum stage_item
stage_look_ahead(struct stage *s, struct line *l, size_t most, int timeout,
    struct err *e)
{
	enum lines_result r;

	do
		r = lines_look_ahead(s->in, l, most, timeout, e);
	while (r == LINES_ONE && !l->too_long && is_blank(l));
	switch (r) {
	case LINES_ONE:
		break;
	case LINES_END:
		return STAGE_END;
	case LINES_WAIT:
		return STAGE_WAIT;
	case LINES_STOP:
		return stage_set_stop_error(e);
	default:
		err_prefix(e, "standard input");
		return STAGE_FAILED;
	}
	if (!s->conf->plain && is_mark_line(l->data, l->len))
		return STAGE_MARK;
	l->too_long |= l->bytes > s->max_record;
	return STAGE_RECORD;
}

void
stage_restart_ahead(struct stage *s)
{
	lines_restart_ahead(s->in);
}

bool
stage_has_ended(const struct stage *s)
{
	return lines_has_ended(s->in);
}
