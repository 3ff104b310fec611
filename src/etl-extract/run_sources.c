#include "base/stop.h"
#include "cursor/cursor.h"
#include "csv/csv_options.h"
#include "file/file_format.h"
#include "file/file_list.h"
#include "file/path_member.h"
#include "json/write.h"
#include "run.h"
#include "source/source.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sources {
	const struct extract *x;
	struct stage *stage;
	struct json j;
	struct buf record;      /* one record in its compact form */
	struct buf original;    /* a rejected line in the encoding of its
				 * file */
	struct file_list list;  /* the names of all sources */
	uint64_t failed;        /* files that could not be read whole */
	struct err first;       /* why the first of them could not */
};

/* Adds the member of --source-file at the end of a record. */
static void
add_path_member(struct buf *record, const char *field, const char *path)
{
	const size_t at = record->len - 1;

	if (record->failed)
		return;
	record->len = at;
	path_member_append(record, field, path);
	if (!record->failed && record->data[at - 1] == '{')
		memmove(record->data + at, record->data + at + 1,
		    --record->len - at);
}

/* Writes the record without the white space between its tokens. All other bytes
 * of the record stay as they are. */
static int
emit_record_as_compact_json(
    struct sources *s, const struct item *it, struct err *e)
{
	const char *field = it->page == 0 ? s->x->opts.source_file : NULL;

	if ((s->j.flags & JSON_SPACE) == 0 &&
	    s->j.tok[0].len == it->line.len && field == NULL)
		return stage_emit(s->stage, it->line.data, it->line.len, e);
	buf_clear(&s->record);
	json_put_compact(&s->record, &s->j, 0);
	if (field != NULL)
		add_path_member(&s->record, field, it->uri);
	if (buf_check(&s->record, e) == -1)
		return -1;
	return stage_emit(s->stage, s->record.data, s->record.len, e);
}

/* True if the white space between the JSON tokens of a rejected element must be
 * removed. The bytes of a rejected record are stored as one line, but an
 * element of an HTTP answer may contain line breaks. An element that is too
 * long, not JSON, not UTF-8 or nested too deep has no JSON tokens, so its white
 * space cannot be removed. */
static bool
needs_compact_raw(const struct item *it, const struct reject *r)
{
	return it->page != 0 && (r->pointer != NULL ||
	    strcmp(r->code, "type") == 0 || strcmp(r->code, "reserved") == 0);
}

/* A reject has the bytes of the file, so that a replay with the same options
 * reads the same record. */
static int
use_original_bytes(struct sources *s, const struct item *it, struct reject *r,
    struct err *e)
{
	buf_clear(&s->original);
	if (input_append_original(it->converted, &s->original, it->line.data,
		it->line.len, e) == -1)
		return -1;
	r->raw = s->original.data != NULL ? s->original.data : "";
	r->raw_len = s->original.len;
	if (it->line.too_long) {
		r->bytes = it->line.bytes;
		r->sha256 = it->line.sha256;
	}
	return 0;
}

static int
reject_item(struct sources *s, const struct item *it, struct reject *r,
    struct err *e)
{
	r->origin = (struct origin){ .kind = it->kind, .uri = it->uri,
	    .page = it->page, .index = it->index, .line = it->line.number,
	    .offset = it->line.offset, .columns = it->columns,
	    .has_offset = it->page == 0 && it->converted == NULL };
	if (needs_compact_raw(it, r)) {
		buf_clear(&s->record);
		json_put_compact(&s->record, &s->j, 0);
		if (buf_check(&s->record, e) == -1)
			return -1;
		r->raw = s->record.data;
		r->raw_len = s->record.len;
	}
	if (it->converted != NULL && use_original_bytes(s, it, r, e) == -1)
		return -1;
	return stage_reject(s->stage, &it->line, r, e);
}

/* The token levels that the checks of a record need. */
static unsigned
scan_levels(const struct extract_opts *o)
{
	unsigned levels = cursor_scan_levels(o);

	return o->source_file != NULL && levels < 2 ? 2 : levels;
}

/* Returns 1, or 0 with *r set if the record has the member of --source-file
 * already. */
static int
check_path_member(const struct sources *s, const struct item *it,
    struct reject *r)
{
	const char *field = s->x->opts.source_file;

	if (field == NULL || it->page != 0 ||
	    json_member_value(&s->j, 0, field, strlen(field)) == 0)
		return 1;
	*r = (struct reject){ .code = "duplicate_member", .message = "the "
	    "record already has the member of --source-file" };
	return 0;
}

/* Checks one line of a file, or one element of an HTTP answer: it must be a
 * JSON object and, with --checkpoint, have a valid value in the member of
 * --cursor-field. Writes it to standard output as a record. If a check fails,
 * writes a reject instead (the same bytes with the reason). */
static int
check_and_write_item(struct sources *s, const struct item *it, struct err *e)
{
	struct reject r = { .code = it->code, .message = it->message,
	    .pointer = it->pointer };
	int rc;

	if (it->record != NULL)
		return stage_emit(s->stage, it->record, it->record_len, e);
	if (it->code != NULL)
		return reject_item(s, it, &r, e);
	rc = stage_parse_record_or_fill_reject(s->stage, &it->line, &s->j,
	    scan_levels(&s->x->opts), JSON_LAST, &r, e);
	if (rc == 1)
		rc = check_path_member(s, it, &r);
	if (rc == 1 && s->x->cursor != NULL)
		rc = cursor_check_and_advance(
		    s->x->cursor, s->stage, it, &s->j, &r, e);
	switch (rc) {
	case 1:
		return emit_record_as_compact_json(s, it, e);
	case 0:
		return reject_item(s, it, &r, e);
	default:
		return -1;
	}
}

/* What became of a source. */
enum outcome {
	READ_FAILED = -1,       /* the run cannot go on */
	READ_WHOLE,
	READ_IN_PART            /* the source has failed: *e says why */
};

static enum outcome
read_items_and_flush_at_pauses(
    struct sources *s, const struct source *kind, void *source, struct err *e)
{
	struct item it = { 0 };

	for (;;)
		switch (kind->next(source, &it, e)) {
		case SOURCE_ITEM:
			if (check_and_write_item(s, &it, e) == -1)
				return READ_FAILED;
			break;
		case SOURCE_PAUSE:
			if (stage_flush(s->stage, e) == -1)
				return READ_FAILED;
			break;
		case SOURCE_END:
			return READ_WHOLE;
		default:
			return READ_IN_PART;
		}
}

/* Refuses a source file to which the rejects would be appended: etl-extract
 * would read its own rejects as further records, without end. */
static int
check_rejects_not_in_source(const struct stage *s, const char *uri,
    struct err *e)
{
	struct stat st;
	int rc = strcmp(uri, "-") == 0 ? fstat(STDIN_FILENO, &st) :
	    stat(uri, &st);

	if (rc == -1 || !stage_rejects_go_to(s, &st))
		return 0;
	return err_set(e, ERR_USAGE, false, "%s: the rejects would be written "
	    "into this source and read again as records: write the rejects to "
	    "another file", uri);
}

/* Checks all sources before the first is read, so that a mistyped name ends the
 * run before any record is written. */
static int
check_sources_and_rejects_file(struct sources *s, struct err *e)
{
	const struct extract_opts *o = &s->x->opts;
	const struct source *kind;
	bool has_csv = false;

	for (size_t i = 0; i < s->list.n; i++) {
		const struct file_entry *f = &s->list.v[i];

		has_csv |= f->why != NULL;      /* it may have been one */
		if (f->why != NULL)
			continue;
		if (source_find_kind(&kind, o, f->name, e) == -1 ||
		    check_rejects_not_in_source(s->stage, f->name, e) == -1)
			return -1;
		has_csv |= kind == &source_csv;
	}
	if (o->encoding != NULL && input_check_encoding(o->encoding, e) == -1)
		return -1;
	return path_member_check(o->source_file, e) == -1 ? -1 :
	    csv_options_check(o, has_csv, e);
}

/* A file that cannot be read, or not to its end, does not keep the other files
 * from being read. */
static bool
only_concerns_file(const struct source *kind, const struct err *e)
{
	return kind->formats != NULL && stop_signal() == 0 &&
	    e->code != ERR_GONE && e->code != ERR_BUG && !e->transient;
}

/* Opens the source (a URL or a file) and reads all its records. With
 * --checkpoint, the stored checkpoint is read after the source was opened,
 * because cursor_open() may create a database for checkpoints: if the options
 * of the source are wrong, nothing must be created. */
static enum outcome
read_source(struct sources *s, struct extract *x, const char *uri,
    struct err *e)
{
	const struct source *kind;
	void *source = NULL;
	enum outcome rc = READ_FAILED;

	if (source_find_kind(&kind, &x->opts, uri, e) == -1)
		return READ_FAILED;
	if (kind->open(&source, x, uri, e) == -1)
		rc = READ_IN_PART;
	else if (x->opts.checkpoint == NULL ||
	    cursor_open(&x->cursor, &x->opts, e) == 0)
		rc = read_items_and_flush_at_pauses(s, kind, source, e);
	if (rc == READ_IN_PART && !only_concerns_file(kind, e))
		rc = READ_FAILED;
	if (rc == READ_WHOLE && x->cursor != NULL &&
	    cursor_check_accepted_and_write_last_mark(
		x->cursor, s->stage, e) == -1)
		rc = READ_FAILED;
	if (source != NULL)
		kind->close(source);
	return rc;
}

/* Remembers a failed file, and prints why if it is not the only source. */
static void
note_failed_file(struct sources *s, const struct err *why)
{
	if (s->failed++ == 0)
		s->first = *why;
	if (s->list.n > 1)
		err_note("etl-extract", why->msg);
}

static int
read_all(struct sources *s, struct extract *x, struct err *e)
{
	enum outcome rc;

	for (size_t i = 0; i < s->list.n; i++) {
		const struct file_entry *f = &s->list.v[i];

		rc = READ_IN_PART;
		if (f->why != NULL)
			*e = *f->why;
		else
			rc = read_source(s, x, f->name, e);
		if (rc == READ_FAILED)
			return -1;
		if (rc == READ_IN_PART)
			note_failed_file(s, e);
	}
	if (s->failed == 0 || stage_flush(s->stage, e) == -1)
		return s->failed == 0 ? 0 : -1;
	*e = s->first;
	if (s->list.n > 1)
		err_prefix(e, "%" PRIu64 " of %zu sources could not be read "
		    "to the end, the first of them", s->failed, s->list.n);
	return -1;
}

static bool
accepts_file(const void *opts, const char *path)
{
	return source_accepts_file(opts, path);
}

int
run_sources(struct extract *x, struct stage *stage, char *const *uri,
    size_t n, struct err *e)
{
	struct sources s = { .x = x, .stage = stage };
	int rc = file_list_expand(&s.list, uri, n, x->opts.recursive,
	    (struct file_filter){ accepts_file, &x->opts }, e);

	buf_init(&s.record, x->opts.max_body + x->opts.max_record);
	buf_init(&s.original, 8 * x->opts.max_record);
	if (rc == 0)
		rc = check_sources_and_rejects_file(&s, e);
	if (rc == 0)
		rc = read_all(&s, x, e);
	cursor_free(x->cursor);
	x->cursor = NULL;
	file_list_release(&s.list);
	buf_release(&s.record);
	buf_release(&s.original);
	json_release(&s.j);
	return rc;
}
