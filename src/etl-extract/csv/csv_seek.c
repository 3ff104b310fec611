#include "csv/csv_reader_impl.h"

uint64_t
csv_reader_offset(const struct csv_reader *r)
{
	return r->offset;
}

uint64_t
csv_reader_lines(const struct csv_reader *r)
{
	return r->number;
}

void
csv_reader_refuse_long(struct csv_reader *r)
{
	r->refuses_long = true;
}

void
csv_reader_mark(struct csv_reader *r)
{
	r->is_held = true;
	r->held = r->w.start;
	r->held_offset = r->offset;
	r->held_number = r->number;
	r->held_skip = r->skip;
	r->held_has_begun = r->has_begun;
}

void
csv_reader_rewind(struct csv_reader *r)
{
	r->is_held = r->is_in_record = r->is_in_skipped_line = false;
	r->bad_quote = UINT64_MAX;
	r->w.start = r->held;
	r->offset = r->held_offset;
	r->number = r->held_number;
	r->skip = r->held_skip;
	r->has_begun = r->held_has_begun;
}

int
csv_reader_seek(struct csv_reader *r, uint64_t offset, uint64_t lines,
    struct err *e)
{
	if (input_seek(r->in, offset, e) == -1)
		return -1;
	r->w.start = r->w.end = 0;
	r->is_eof = r->is_in_record = r->is_in_skipped_line = false;
	r->is_held = false;
	r->has_begun = true;
	r->skip = 0;
	r->bad_quote = UINT64_MAX;
	r->offset = offset;
	r->number = lines;
	return 0;
}
