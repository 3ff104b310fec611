#include "item_writer.h"

#include "cursor/cursor.h"
#include "file/file_format.h"
#include "file/input.h"
#include "json/write.h"
#include "new_files.h"

#include <string.h>

void
item_writer_init(struct item_writer *w, const struct extract *x,
    struct stage *stage)
{
	*w = (struct item_writer){ .x = x, .stage = stage };
	buf_init(&w->record, x->opts.max_body + x->opts.max_record);
	buf_init(&w->original, 8 * x->opts.max_record);
}

void
item_writer_release(struct item_writer *w)
{
	buf_release(&w->record);
	buf_release(&w->original);
	json_release(&w->j);
}

/* Writes a record. A child fails if its memory is full. In a replay, the record
 * is only collected, because a later part of the letter may still be
 * rejected. */
static int
emit_record(struct item_writer *w, const char *p, size_t n, struct err *e)
{
	if (w->ahead != NULL)
		return ahead_put_line(w->ahead, p, n) ? 0 : -1;
	if (w->collected != NULL) {
		buf_add(&w->collected->lines, p, n);
		buf_char(&w->collected->lines, '\n');
		w->collected->n++;
		return buf_check(&w->collected->lines, e);
	}
	return stage_emit(w->stage, p, n, e);
}

/* Writes the record without the white space between its tokens. All other bytes
 * of the record stay as they are. */
static int
emit_compact(struct item_writer *w, const struct item *it, struct err *e)
{
	const char *field =
	    it->is_in_file ? w->x->opts.source_file : NULL;

	if ((w->j.flags & JSON_SPACE) == 0 &&
	    w->j.tok[0].len == it->line.len && field == NULL)
		return emit_record(w, it->line.data, it->line.len, e);
	buf_clear(&w->record);
	json_put_compact(&w->record, &w->j, 0);
	if (field != NULL)
		path_member_add(&w->record, field, it->uri);
	if (buf_check(&w->record, e) == -1)
		return -1;
	return emit_record(w, w->record.data, w->record.len, e);
}

/* Puts the bytes of the file into the reject, in the encoding of the file. A
 * replay with the same options then reads the same record. */
static int
set_original(struct item_writer *w, const struct item *it, struct reject *r,
    struct err *e)
{
	buf_clear(&w->original);
	if (input_put_original(it->converted, &w->original, it->line.data,
	    it->line.len, e) == -1)
		return -1;
	r->raw = w->original.data != NULL ? w->original.data : "";
	r->raw_len = w->original.len;
	if (it->line.too_long) {
		r->bytes = it->line.bytes;
		r->sha256 = it->line.sha256;
	}
	return 0;
}

int
item_reject_again(struct item_writer *w, struct reject *r, struct err *e)
{
	const struct raw_record *from = w->collected->from;

	if (w->collected->is_rejected)
		return 0;
	w->collected->is_rejected = true;
	r->raw = from->bytes.len > 0 ? from->bytes.data : "";
	r->raw_len = from->bytes.len;
	r->origin = (struct origin){
	    .members = from->origin.len > 0 ? from->origin.data : "",
	    .columns = from->columns_json.len > 0 ?
		from->columns_json.data : NULL };
	return stage_reject(w->stage, NULL, r, e);
}

/* Called for an element that cannot be read as a record. If it is the last of
 * its file and has no line end, the file was cut in the middle of it. */
static int
note_cut_file(struct item_writer *w, const struct item *it, const char *code,
    struct err *e)
{
	static const char *const codes[] = {
		"parse", "encoding", "depth", "type", "too_long"
	};

	if (!it->line.torn || w->ahead != NULL || w->collected != NULL)
		return 0;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(code, codes[i]) != 0)
			continue;
		w->cut = new_files_are_whole(&w->x->opts);
		return w->cut ? 0 : stage_note_cut(w->stage,
		    strcmp(it->uri, "-") == 0 ? "standard input" :
		    it->uri, it->line.number, e);
	}
	return 0;
}

static int
reject_item(struct item_writer *w, const struct item *it, struct reject *r,
    struct err *e)
{
	if (w->ahead != NULL)
		return -1;      /* a child leaves rejects to this process */
	if (w->collected != NULL)
		return item_reject_again(w, r, e);
	r->origin = (struct origin){ .kind = it->kind, .uri = it->uri,
	    .page = it->page, .index = it->index, .line = it->line.number,
	    .offset = it->line.offset, .columns = it->columns,
	    .has_offset = it->is_in_file && it->converted == NULL };
	/* The bytes of a rejected record are stored as one line, but an element
	 * of an HTTP answer, or a JSON value in a row of a database, may
	 * contain line breaks: remove the white space between its tokens. A
	 * record of a JSON file keeps the bytes of the file. An element that is
	 * too long, not JSON, not UTF-8 or nested too deeply was not parsed, so
	 * its white space cannot be removed. */
	if (it->index != 0 && !it->is_in_file && (r->pointer != NULL ||
	    strcmp(r->code, "type") == 0 || strcmp(r->code, "reserved") == 0)) {
		buf_clear(&w->record);
		json_put_compact(&w->record, &w->j, 0);
		if (buf_check(&w->record, e) == -1)
			return -1;
		r->raw = w->record.data;
		r->raw_len = w->record.len;
	}
	if (it->converted != NULL && set_original(w, it, r, e) == -1)
		return -1;
	return stage_reject(w->stage, &it->line, r, e);
}

/* How many levels of nesting json_scan() must turn into tokens for the checks
 * of a record. */
static unsigned
get_levels(const struct extract_opts *o)
{
	unsigned levels = cursor_levels(o);

	return o->source_file != NULL && levels < 2 ? 2 : levels;
}

/* Returns 0 and fills in *r if the record already has the member of
 * --source-file, else 1. */
static int
check_path_name(const struct item_writer *w, const struct item *it,
    struct reject *r)
{
	const char *field = w->x->opts.source_file;

	if (field == NULL || !it->is_in_file ||
	    json_member_value(&w->j, 0, field, strlen(field)) == 0)
		return 1;
	*r = (struct reject){ .code = "duplicate_member", .message = "the "
	    "record already has the member of --source-file" };
	return 0;
}

int
item_write(struct item_writer *w, const struct item *it, struct err *e)
{
	struct reject r = { .code = it->code, .message = it->message,
	    .pointer = it->pointer };
	int rc;

	if (it->records > 0)
		return stage_emit_lines(w->stage, it->record, it->record_len,
		    it->records, e);
	if (it->record != NULL)
		return emit_record(w, it->record, it->record_len, e);
	if (it->code != NULL)
		return note_cut_file(w, it, it->code, e) == -1 ? -1 :
		    reject_item(w, it, &r, e);
	rc = stage_parse_only(w->stage, &it->line, &w->j,
	    get_levels(&w->x->opts), JSON_LAST, &r, e);
	if (rc == 0 && note_cut_file(w, it, r.code, e) == -1)
		return -1;
	if (rc == 1)
		rc = check_path_name(w, it, &r);
	if (rc == 1 && w->x->cursor != NULL)
		rc = cursor_advance(w->x->cursor, w->stage, it, &w->j, &r, e);
	switch (rc) {
	case 1:
		return emit_compact(w, it, e);
	case 0:
		return reject_item(w, it, &r, e);
	default:
		return -1;
	}
}
