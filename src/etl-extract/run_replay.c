#include "base/stop.h"
#include "csv/csv_options.h"
#include "file/file_format.h"
#include "file/input.h"
#include "file/path_member.h"
#include "item_writer.h"
#include "run.h"
#include "scheme.h"
#include "source/source.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A replay of letters that etl-extract has rejected. Each raw mark carries the
 * bytes of one record. They are written to a file in memory, and a source reads
 * this file instead of the file that the record came from. */
struct replay {
	struct extract x;       /* the options, as they are for one record */
	struct stage *stage;
	struct item_writer writer;
	struct raw_record raw;
	struct collected out;
	struct input_given given;
};

/* Refuses a replay of another stage: its letters are records for that stage.
 * The mark begin of a replay without letters names no stage. */
static int
check_replay_stage(const struct replay *r, struct err *e)
{
	const struct mark *m = stage_begin_mark(r->stage);

	if (m == NULL || m->stage == NULL || strcmp(m->stage, "extract") == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "this replay is of the stage "
	    "%.64s: run the pipeline from that stage on, without etl-extract",
	    m->stage);
}

/* Returns the name of the file that the record came from (it may be a URL), or
 * "-" if it came from standard input, an HTTP API or a database. */
static const char *
source_name(const struct replay *r)
{
	const char *uri = r->raw.uri.len > 0 ? r->raw.uri.data : "-";

	return scheme_is_present(uri) &&
	    !source_is_file_url(&r->x.opts, uri) ? "-" : uri;
}

/* Sets the options for one CSV record. It has no header, so the names of the
 * columns come from --columns or from the raw mark. --types auto is refused:
 * one record does not show the types of the columns. */
static int
set_csv_options(struct replay *r, const struct extract_opts *o, struct err *e)
{
	struct csv_options parsed = { 0 };
	bool is_auto;
	int rc;

	r->x.opts.columns = o->columns;
	if (o->columns == NULL && r->raw.columns.len > 0)
		r->x.opts.columns = r->raw.columns.data;
	if (r->x.opts.columns == NULL)
		return err_set(e, ERR_CONFIG, false, "the records of this "
		    "replay have no names of columns: give --columns");
	rc = csv_options_parse(&parsed, o, false, e);
	is_auto = parsed.types.is_auto;
	csv_options_release(&parsed);
	if (rc == -1 || !is_auto)
		return rc;
	return err_set(e, ERR_CONFIG, false, "--types auto: a replay has "
	    "single records, which do not show the types of the columns: give "
	    "--types NAME:TYPE,...");
}

/* Makes the bytes of the raw record the content of the file in memory. */
static int
write_raw_file(struct replay *r, struct err *e)
{
	const struct buf *b = &r->raw.bytes;
	const int fd = r->given.fd;

	for (size_t done = 0; done < b->len;) {
		ssize_t n = pwrite(fd, b->data + done, b->len - done,
		    (off_t)done);

		if (n == -1)
			return err_errno(e, ERR_IO, "memory of a record");
		done += (size_t)n;
	}
	r->given.size = b->len;         /* the file may have more bytes of an
					 * earlier record */
	if (lseek(fd, 0, SEEK_SET) == -1)
		return err_errno(e, ERR_IO, "memory of a record");
	return 0;
}

/* Reads items until the end, or until one is rejected. */
static int
collect_items(struct replay *r, const struct source *kind, void *source,
    struct err *e)
{
	struct item it = { 0 };

	while (!r->out.is_rejected)
		switch (kind->next(source, &it, e)) {
		case SOURCE_ITEM:
			if (item_write(&r->writer, &it, e) == -1)
				return -1;
			break;
		case SOURCE_PAUSE:
			break;
		case SOURCE_END:
			return 0;
		default:
			return -1;
		}
	return 0;
}

/* If the source failed because the bytes are bad data, such as JSON that is cut
 * off, rejects the letter again. */
static int
reject_bad_data(struct replay *r, struct err *e)
{
	struct err why = *e;
	struct reject again = { .code = "parse", .message = why.msg };

	if (why.code != ERR_DATA || why.transient || stop_signal() != 0 ||
	    r->out.is_rejected)
		return -1;
	return item_reject_again(&r->writer, &again, e);
}

/* Reads the bytes of the raw record as a source of their format. Collects the
 * records. */
static int
read_raw_bytes(struct replay *r, struct err *e)
{
	const char *name = source_name(r);
	const struct source *kind;
	struct file_format format;
	void *source = NULL;
	int rc = -1;

	file_format_of(&format, &r->x.opts, name);
	if (source_choose(&kind, &r->x.opts, name, e) == -1 ||
	    (kind == &source_csv &&
		set_csv_options(r, &r->writer.x->opts, e) == -1) ||
	    write_raw_file(r, e) == -1)
		return -1;
	if (kind->open(&source, &r->x, name, e) == 0) {
		rc = collect_items(r, kind, source, e);
		kind->close(source);
	}
	return rc == -1 ? reject_bad_data(r, e) : 0;
}

/* Reads the bytes of a letter again. Writes all records in them, or rejects the
 * letter if one of them is rejected. */
static int
replay_record(struct replay *r, const struct line *l, struct err *e)
{
	struct collected *out = &r->out;

	buf_clear(&out->lines);
	out->n = 0;
	out->is_rejected = false;
	if (raw_record_parse(&r->raw, l->data, l->len, e) == -1 ||
	    read_raw_bytes(r, e) == -1) {
		err_prefix(e, "line %llu", (unsigned long long)l->number);
		return -1;
	}
	if (out->is_rejected)
		return 0;
	if (stage_emit_lines(r->stage, out->lines.data, out->lines.len, out->n,
	    e) == -1)
		return -1;
	stage_count_input(r->stage, out->n > 0);
	return 0;
}

/* Replays the record of a raw mark. Passes any other mark on. */
static int
replay_mark(struct replay *r, const struct line *l, struct err *e)
{
	switch (stage_last_mark(r->stage)->kind) {
	case MARK_RAW:
		return replay_record(r, l, e);
	case MARK_BEGIN:
		if (check_replay_stage(r, e) == -1)
			return -1;
		break;
	default:
		break;
	}
	return stage_pass(r->stage, e);
}

static int
read_stream(struct replay *r, struct err *e)
{
	struct line l;

	for (;;)
		switch (stage_next(r->stage, &l, -1, e)) {
		case STAGE_RECORD:
			return err_set(e, ERR_PEER, false, "line %llu is a "
			    "record, but in a replay of the stage extract each "
			    "record must be inside of a raw mark: run "
			    "etl-extract directly after etl-dlq replay",
			    (unsigned long long)l.number);
		case STAGE_MARK:
			if (replay_mark(r, &l, e) == -1)
				return -1;
			break;
		case STAGE_END:
			return 0;
		case STAGE_WAIT:
			break;
		default:
			return -1;
		}
}

static int
check_replay_options(const struct extract_opts *o, struct err *e)
{
	if (o->encoding != NULL && encoding_check(o->encoding, e) == -1)
		return -1;
	if (path_member_check("--source-file", o->source_file, e) == -1)
		return -1;
	return csv_options_check(o, e);
}

int
run_replay(struct extract *x, struct stage *stage, struct err *e)
{
	struct replay r = { .x = *x, .stage = stage,
	    .given = { .fd = -1, .is_decompressed = true } };
	int rc = -1;

	r.x.given = &r.given;
	r.x.opts.skip = 0;              /* --skip is about the lines of the
					 * whole file */
	r.x.opts.records = NULL;        /* no document is around the record */
	raw_record_init(&r.raw);
	r.out.from = &r.raw;
	buf_init(&r.out.lines, SIZE_MAX / 4);
	item_writer_init(&r.writer, x, stage);
	r.writer.collected = &r.out;
	if (check_replay_options(&x->opts, e) == 0) {
		r.given.fd = memfd_create("etl-extract", MFD_CLOEXEC);
		rc = r.given.fd == -1 ?
		    err_errno(e, ERR_IO, "memory of a record") :
		    read_stream(&r, e);
	}
	if (r.given.fd != -1)
		(void)close(r.given.fd);
	item_writer_release(&r.writer);
	buf_release(&r.out.lines);
	raw_record_release(&r.raw);
	return rc;
}
