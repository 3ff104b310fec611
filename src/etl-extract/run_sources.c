#include "cursor/cursor.h"
#include "json/write.h"
#include "run.h"
#include "source/source.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sources {
	const struct extract *x;
	struct stage *stage;
	struct json j;
	struct buf record;      /* one record in its compact form */
};

/* Writes the record without the white space between its tokens. All other bytes
 * of the record stay as they are. */
static int
emit_record_as_compact_json(
    struct sources *s, const struct item *it, struct err *e)
{
	if ((s->j.flags & JSON_SPACE) == 0 && s->j.tok[0].len == it->line.len)
		return stage_emit(s->stage, it->line.data, it->line.len, e);
	buf_clear(&s->record);
	json_put_compact(&s->record, &s->j, 0);
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

static int
reject_item(struct sources *s, const struct item *it, struct reject *r,
    struct err *e)
{
	r->origin = (struct origin){ .kind = it->kind, .uri = it->uri,
	    .page = it->page, .index = it->index, .line = it->line.number,
	    .offset = it->line.offset, .has_offset = it->page == 0 };
	if (needs_compact_raw(it, r)) {
		buf_clear(&s->record);
		json_put_compact(&s->record, &s->j, 0);
		if (buf_check(&s->record, e) == -1)
			return -1;
		r->raw = s->record.data;
		r->raw_len = s->record.len;
	}
	return stage_reject(s->stage, &it->line, r, e);
}

/* Checks one line of a file, or one element of an HTTP answer: it must be a
 * JSON object and, with --checkpoint, have a valid value in the member of
 * --cursor-field. Writes it to standard output as a record. If a check fails,
 * writes a reject instead (the same bytes with the reason). */
static int
check_and_write_item(struct sources *s, const struct item *it, struct err *e)
{
	struct reject r = { 0 };
	int rc = stage_parse_record_or_fill_reject(s->stage, &it->line, &s->j,
	    cursor_scan_levels(&s->x->opts), JSON_LAST, &r, e);

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

static int
read_items_and_flush_at_pauses(
    struct sources *s, const struct source *kind, void *source, struct err *e)
{
	struct item it = { 0 };

	for (;;)
		switch (kind->next(source, &it, e)) {
		case SOURCE_ITEM:
			if (check_and_write_item(s, &it, e) == -1)
				return -1;
			break;
		case SOURCE_PAUSE:
			if (stage_flush(s->stage, e) == -1)
				return -1;
			break;
		case SOURCE_END:
			return 0;
		default:
			return -1;
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
check_source_kinds_and_rejects_file(struct extract *x, const struct stage *s,
    char *const *uri, size_t n, struct err *e)
{
	const struct source *kind;

	for (size_t i = 0; i < n; i++)
		if (source_find_kind(&kind, &x->opts, uri[i], e) == -1 ||
		    check_rejects_not_in_source(s, uri[i], e) == -1)
			return -1;
	return 0;
}

/* Opens the source (a URL or a file) and reads all its records. With
 * --checkpoint, the stored checkpoint is read after the source was opened,
 * because cursor_open() may create a database for checkpoints: if the options
 * of the source are wrong, nothing must be created. */
static int
read_source(struct sources *s, struct extract *x, const char *uri,
    struct err *e)
{
	const struct source *kind;
	void *source = NULL;
	int rc = source_find_kind(&kind, &x->opts, uri, e);

	if (rc == 0)
		rc = kind->open(&source, x, uri, e);
	if (rc == 0 && x->opts.checkpoint != NULL)
		rc = cursor_open(&x->cursor, &x->opts, e);
	if (rc == 0)
		rc = read_items_and_flush_at_pauses(s, kind, source, e);
	if (rc == 0 && x->cursor != NULL)
		rc = cursor_check_accepted_and_write_last_mark(
		    x->cursor, s->stage, e);
	if (source != NULL)
		kind->close(source);
	return rc;
}

int
run_sources(struct extract *x, struct stage *stage, char *const *uri,
    size_t n, struct err *e)
{
	struct sources s = { .x = x, .stage = stage };
	int rc = check_source_kinds_and_rejects_file(x, stage, uri, n, e);

	buf_init(&s.record, x->opts.max_body + x->opts.max_record);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_source(&s, x, uri[i], e);
	cursor_free(x->cursor);
	x->cursor = NULL;
	buf_release(&s.record);
	json_release(&s.j);
	return rc;
}
