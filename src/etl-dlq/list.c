#include "dlq.h"

#include "base/text.h"

#include <string.h>

enum { LINE = 1 << 30 };

static void
put_cell(struct buf *b, const char *s, size_t width)
{
	size_t start = b->len, n = s != NULL ? strlen(s) : 0;

	if (n == 0)
		buf_char(b, '-');
	else
		text_show(b, s, n);
	while (b->len < start + width && !b->failed)
		buf_char(b, ' ');
	buf_char(b, ' ');
}

static void
put_time_cell(struct buf *b, const char *stamp)
{
	char seconds[21] = "";

	if (stamp != NULL && strlen(stamp) > 19) {
		memcpy(seconds, stamp, 19);
		seconds[19] = 'Z';
	}
	put_cell(b, seconds, 20);
}

static int
put_letter_row(struct buf *b, const struct letter *l, struct err *e)
{
	buf_printf(b, "%6lld %5lld ", (long long)l->id,
	    (long long)l->attempts);
	put_cell(b, l->status, 9);
	put_time_cell(b, l->last_seen_at);
	put_cell(b, l->pipeline, 12);
	put_cell(b, l->stream, 12);
	put_cell(b, l->stage, 9);
	put_cell(b, l->code, 12);
	if (l->erased_at != NULL)
		buf_str(b, "(erased)");
	else if (l->message != NULL)
		text_show(b, l->message, strlen(l->message));
	return buf_check(b, e);
}

static int
print_letter_line(struct dlq *d, struct letters *from, struct letter *l,
    bool first, struct buf *line, struct err *e)
{
	static const char head[] = "LETTER TIMES STATUS    "
	    "LAST SEEN            PIPELINE     STREAM       STAGE     "
	    "CODE         MESSAGE";

	if (d->opts->json)
		return print_letter_json(d, from, l, false, e);
	if (first && out_write_line(d->out, head, sizeof(head) - 1, e) == -1)
		return -1;
	buf_clear(line);
	if (put_letter_row(line, l, e) == -1)
		return -1;
	return out_write_line(d->out, line->data, line->len, e);
}

int
list_command(struct dlq *d, struct err *e)
{
	struct letters *letters = NULL;
	struct letter l;
	struct buf line;
	bool first = true;
	int more = -1;

	buf_init(&line, LINE);
	if (dlq_open_database(d, e) == -1 || letters_open(&letters, d->db,
	    &d->selection.filter, e) == -1)
		goto out;
	while ((more = letters_next(letters, &l, e)) == 1) {
		if (print_letter_line(d, letters, &l, first, &line, e) == -1) {
			more = -1;
			break;
		}
		first = false;
	}
	if (more == 0 && first)
		more = dlq_print_no_match(d, "list", e);
out:
	letters_close(letters);
	buf_release(&line);
	return more;
}
