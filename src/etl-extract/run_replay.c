#include "base/stop.h"
#include "csv/csv_options.h"
#include "file/file_format.h"
#include "file/input.h"
#include "item_writer.h"
#include "run.h"
#include "source/source.h"
#include "stream/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* Collects the records of an item. Returns 1 if it was rejected: the rest of
 * the letter is then not needed. */
static int
collect_item(void *self, const struct item *it, struct err *e)
{
	struct replay *r = self;

	return item_write(&r->writer, it, e) == -1 ? -1 : r->out.is_rejected;
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
	struct run run = { .use = collect_item, .self = r };
	const struct source *kind;
	struct file_format format;
	int rc = -1;

	file_format_of(&format, &r->x.opts, name);
	if (source_choose(&kind, &r->x.opts, name, e) == -1 ||
	    (kind == &source_csv &&
		set_csv_options(r, &r->writer.x->opts, e) == -1) ||
	    write_raw_file(r, e) == -1)
		return -1;
	if (kind->open(&run.from, &r->x, name, e) == 0) {
		run.next = kind->next;
		run.write_mark = kind->write_mark;
		rc = run_items(&run, r->stage, e) == READ_WHOLE ? 0 : -1;
		kind->close(run.from);
	}
	return rc == -1 ? reject_bad_data(r, e) : 0;
}

/* Reads the bytes of a letter again. Writes all records in them, or rejects the
 * letter if one of them is rejected. */
static int
replay_record(void *self, const struct item *it, struct err *e)
{
	struct replay *r = self;
	struct collected *out = &r->out;

	buf_clear(&out->lines);
	out->n = 0;
	out->is_rejected = false;
	if (read_raw_bytes(r, e) == -1) {
		err_prefix(e, "line %llu", (unsigned long long)it->line.number);
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

static enum source_next
next_letter(void *self, struct item *it, struct err *e)
{
	struct replay *r = self;
	const enum stage_item got = stage_next(r->stage, &it->line, -1, e);
	enum source_next next;

	if (got == STAGE_RECORD) {
		(void)err_set(e, ERR_PEER, false, "line %llu is a record, but "
		    "in a replay of the stage extract each record must be "
		    "inside of a raw mark: run etl-extract directly after "
		    "etl-dlq replay", (unsigned long long)it->line.number);
		return SOURCE_FAILED;
	}
	next = run_stage_item(r->stage, got, &r->raw, it, e);
	if (next == SOURCE_FAILED && got == STAGE_MARK)
		err_prefix(e, "line %llu", (unsigned long long)it->line.number);
	return next;
}

/* Passes a mark on. Refuses a replay of another stage: its letters are records
 * for that stage. The mark begin of a replay without letters names no stage. */
static int
pass_replay_mark(void *self, struct stage *s, struct err *e)
{
	const struct mark *m = stage_last_mark(s)->kind == MARK_BEGIN ?
	    stage_begin_mark(s) : NULL;

	if (m != NULL && m->stage != NULL && strcmp(m->stage, "extract") != 0)
		return err_set(e, ERR_CONFIG, false, "this replay is of the "
		    "stage %.64s: run the pipeline from that stage on, "
		    "without etl-extract", m->stage);
	return stage_pass(s, e);
}

int
run_replay(struct extract *x, struct stage *stage, struct err *e)
{
	struct replay r = { .x = *x, .stage = stage,
	    .given = { .fd = -1, .is_decompressed = true } };
	const struct extract_opts *o = &x->opts;
	const struct run run = { .next = next_letter,
	    .write_mark = pass_replay_mark, .from = &r, .use = replay_record,
	    .self = &r };
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
	if ((o->encoding == NULL || encoding_check(o->encoding, e) == 0) &&
	    path_member_check("--source-file", o->source_file, e) == 0 &&
	    csv_options_check(o, e) == 0) {
		r.given.fd = memfd_create("etl-extract", MFD_CLOEXEC);
		if (r.given.fd == -1)
			(void)err_errno(e, ERR_IO, "memory of a record");
		else if (run_items(&run, stage, e) == READ_WHOLE)
			rc = 0;
	}
	if (r.given.fd != -1)
		(void)close(r.given.fd);
	item_writer_release(&r.writer);
	buf_release(&r.out.lines);
	raw_record_release(&r.raw);
	return rc;
}

/* At most LOOK bytes of the input are examined; the begin mark of a replay is
 * shorter. If its line is not complete yet, the input is examined again after
 * PAUSE ms. */
enum { LOOK = 64 << 10, PAUSE = 5 };

/* Copies the bytes in the pipe to p without removing them from the pipe. */
static ssize_t
peek_at_pipe(char *p)
{
	ssize_t n;
	int copy[2];

	if (pipe2(copy, O_CLOEXEC) == -1)
		return -1;
	n = tee(STDIN_FILENO, copy[1], LOOK, SPLICE_F_NONBLOCK);
	if (n > 0)
		n = read(copy[0], p, (size_t)n);
	(void)close(copy[0]);
	(void)close(copy[1]);
	return n;
}

static ssize_t
peek_at_stdin(const struct stat *st, char *p)
{
	if (S_ISFIFO(st->st_mode))
		return peek_at_pipe(p);
	if (S_ISSOCK(st->st_mode))
		return recv(STDIN_FILENO, p, LOOK, MSG_PEEK | MSG_DONTWAIT);
	if (S_ISREG(st->st_mode))
		return pread(STDIN_FILENO, p, LOOK,
		    lseek(STDIN_FILENO, 0, SEEK_CUR));
	return 0;
}

/* Returns false if the first line will not become longer: the writer has closed
 * the pipe. Otherwise waits PAUSE ms and returns true. */
static bool
wait_for_more(const struct stat *st)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return !S_ISREG(st->st_mode) && poll(&p, 1, 0) == 1 &&
	    (p.revents & (POLLHUP | POLLERR)) == 0 &&
	    wait_ms(PAUSE) == 0;
}

/* Returns 1 if the line is the begin mark of a replay, or the mark `failed`,
 * which etl-dlq replay writes alone if it fails at once. */
static int
is_replay_begin(const char *line, size_t n, struct err *e)
{
	struct mark m = { 0 };
	int rc = mark_parse(&m, line, n, e);

	if (rc == -1)
		return e->code == ERR_PEER ? 0 : -1;
	rc = (m.kind == MARK_BEGIN && m.replay) || m.kind == MARK_FAILED;
	mark_release(&m);
	return rc;
}

int
replay_is_on_stdin(struct err *e)
{
	static const char start[] = "{\"@etl\":\"";
	const size_t len = sizeof(start) - 1;
	char text[LOOK], *lf;
	struct stat st;
	ssize_t n;

	if (fstat(STDIN_FILENO, &st) == -1 || S_ISCHR(st.st_mode) ||
	    wait_fd(STDIN_FILENO, POLLIN, -1) == -1)
		return 0;
	for (;;) {
		n = peek_at_stdin(&st, text);
		/* Any other error is left to the source, which reads standard
		 * input later and reports it. */
		if (n == -1 && (errno == EINTR || errno == EAGAIN) &&
		    stop_signal() == 0)
			continue;
		if (n == -1 && (errno == EMFILE || errno == ENFILE))
			return err_errno(e, ERR_IO, "standard input");
		if (n <= 0 ||
		    memcmp(text, start, (size_t)n < len ? (size_t)n : len) != 0)
			return 0;
		if ((lf = memchr(text, '\n', (size_t)n)) != NULL)
			return is_replay_begin(text, (size_t)(lf - text), e);
		if (n == LOOK || !wait_for_more(&st))
			return 0;
	}
}
