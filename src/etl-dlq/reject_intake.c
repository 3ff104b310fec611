#include "dlq.h"

#include "base/same_file.h"
#include "base/stop.h"
#include "base/temp_file.h"
#include "base/text.h"
#include "json/scan.h"
#include "stream/lines.h"
#include "stream/mark.h"
#include "stream/run_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMED = 20, SHOWN = 200, SHOWN_TORN = 64 << 10 };
/* The longest reject line that put accepts. It has the rejected record of at
 * most LINES_MAX bytes, each of which may need six bytes in JSON (\u0000). */
static const size_t line_max = (size_t)7 * LINES_MAX;

struct intake {
	FILE *file, *bad;
	const char *bad_name;
	struct json json;
	uint64_t rejects, others, broken;       /* numbers of lines */
	struct buf torn;        /* a bad line that was not printed yet */
	uint64_t torn_line;     /* its number; 0: there is none */
	bool no_lf;             /* true if it lacks an LF */
	char why[256];          /* why it is bad */
	char *stream;           /* id in the last begin mark, or NULL */
	uint64_t in_stream;     /* number of rejects after this mark */
	struct run_report report;
	struct buf reports;     /* of the streams that have ended */
};

/* Opens or creates the file. A new file gets mode 0600, because its lines
 * contain records, which may be confidential. */
static FILE *
open_private(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	FILE *f = fd == -1 ? NULL : fdopen(fd, "a");

	if (fd != -1 && f == NULL)
		(void)close(fd);
	return f;
}

int
intake_open(struct intake **out, const char *bad, struct err *e)
{
	struct intake *in = calloc(1, sizeof(*in));
	int fd;

	if (in == NULL)
		return err_nomem(e);
	*out = in;
	buf_init(&in->torn, SIZE_MAX / 4);
	buf_init(&in->reports, SIZE_MAX / 4);
	if ((fd = temp_file_open(e)) == -1)
		return -1;
	if ((in->file = fdopen(fd, "w+")) == NULL) {
		(void)close(fd);
		return err_nomem(e);
	}
	in->bad_name = bad;
	if (bad != NULL && (in->bad = open_private(bad)) == NULL)
		return err_errno(e, ERR_CREATE, bad);
	return 0;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	json_release(&in->json);
	buf_release(&in->torn);
	buf_release(&in->reports);
	free(in->stream);
	if (in->file != NULL)
		(void)fclose(in->file);
	if (in->bad != NULL)
		(void)fclose(in->bad);
	free(in);
}

FILE *
intake_file(const struct intake *in)
{
	return in->file;
}

void
intake_counts(const struct intake *in, uint64_t *rejects, uint64_t *others,
    uint64_t *bad)
{
	*rejects = in->rejects;
	*others = in->others;
	*bad = in->broken;
}

/* Prints a warning with the bad line, cut to `most` bytes. For a last line
 * without an LF the caller passes a large limit: if such a line came from a
 * pipe whose writer was killed, it is stored nowhere else. */
static void
print_bad_line(struct intake *in, const char *name, size_t most,
    const char *what)
{
	const struct buf *t = &in->torn;
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	text_show(&b, t->data, text_cut_length(t->data, t->len, most));
	err_warnf("etl-dlq", "put: %s: line %llu: %s%s: %s%s", name,
	    (unsigned long long)in->torn_line, what, in->why, buf_text(&b),
	    t->len > most ? "..." : "");
	buf_release(&b);
}

/* Prints the bad line that hold_bad_line() has kept, if there is one. It was
 * not printed at once: the last line of a file is printed differently, and only
 * the next read shows whether a line is the last one. */
static void
report_bad_line(struct intake *in, const char *name, bool is_input_end)
{
	if (in->torn_line == 0)
		return;
	if (is_input_end && in->no_lf)
		print_bad_line(in, name, SHOWN_TORN,
		    "the last line, perhaps not "
		    "complete: ");
	else if (in->broken <= NAMED)
		print_bad_line(in, name, SHOWN, "");
	in->torn_line = 0;
	buf_clear(&in->torn);
}

/* Keeps a bad line for report_bad_line(), and appends it to the file of
 * --bad. */
static int
hold_bad_line(struct intake *in, const struct line *l, const char *why,
    struct err *e)
{
	in->broken++;
	in->torn_line = l->number;
	in->no_lf = l->torn;
	(void)snprintf(in->why, sizeof(in->why), "%.*s",
	    (int)sizeof(in->why) - 1, why);
	buf_add(&in->torn, l->data,
	    l->len < SHOWN_TORN ? l->len : SHOWN_TORN + 1);
	if (in->bad != NULL && (fwrite(l->data, 1, l->len, in->bad) !=
	    l->len || putc('\n', in->bad) == EOF))
		return err_errno(e, ERR_IO, in->bad_name);
	return buf_check(&in->torn, e);
}

/* Follows the begin and the end of a stream. At the end adds the report that
 * its rejects are stored. */
static int
note_mark(struct intake *in, const struct mark *m, struct err *e)
{
	struct run_report_stored stored = { .end = m };
	int rc = 0;

	if (m->kind != MARK_BEGIN && m->kind != MARK_END)
		return 0;
	if (m->kind == MARK_END && in->stream != NULL) {
		stored.id = in->stream;
		stored.rejects = in->in_stream;
		rc = run_report_add_stored(&in->reports, &in->report, &stored,
		    e);
	}
	free(in->stream);
	in->stream = NULL;
	in->in_stream = 0;
	if (m->kind == MARK_BEGIN && (in->stream = strdup(m->id)) == NULL)
		rc = err_nomem(e);
	return rc;
}

/* Checks a line of the input. Returns 0 for a valid reject line, which put
 * stores; 1 for a record or another line of a stream, which put ignores; -1 for
 * any other line, with the reason in *e. */
static int
classify_line(struct intake *in, const struct line *l, struct err *e)
{
	struct mark m = { 0 };
	struct json_fault f = { 0 };
	int rc;

	if (l->too_long)
		return err_set(e, ERR_DATA, false, "the line is longer than "
		    "%zu bytes, so it is not a reject",
		    line_max);
	if (json_scan(&in->json, l->data, l->len, 1, JSON_LAST, &f) == -1)
		return f.nomem ? err_nomem(e) :
		    err_set(e, ERR_DATA, false, "not JSON: %s", f.why);
	if (!is_mark_line(l->data, l->len))
		return 1;
	rc = mark_parse(&m, l->data, l->len, e);
	if (rc == 0 && m.kind == MARK_REJECT)
		rc = letter_check_line(l->data, l->len, e);
	else if (rc == 0)
		rc = note_mark(in, &m, e) == -1 ? -1 : 1;
	mark_release(&m);
	return rc;
}

/* Writes a reject to the temporary file, counts any other line, and keeps a bad
 * one. */
static int
take_line(struct intake *in, const struct line *l, const char *name,
    struct err *e)
{
	struct err why = { 0 };
	int kind = classify_line(in, l, &why);

	report_bad_line(in, name, false);
	if (kind == -1 && why.transient) {
		*e = why;
		return -1;
	}
	if (kind == -1)
		return hold_bad_line(in, l, why.msg, e);
	if (kind == 1)
		in->others++;
	if (kind != 0)
		return 0;
	in->rejects++;
	in->in_stream++;
	if (fwrite(l->data, 1, l->len, in->file) != l->len ||
	    putc('\n', in->file) == EOF)
		return err_errno(e, ERR_IO, "temporary file");
	return 0;
}

/* Fails if the file of --bad, to which bad lines are appended, is also the
 * input: put would read the lines that it appends. */
static int
check_bad_file(const struct intake *in, int fd, struct err *e)
{
	struct stat a, b;

	if (in->bad == NULL || fstat(fd, &a) == -1 ||
	    fstat(fileno(in->bad), &b) == -1 || !is_same_file(&a, &b))
		return 0;
	return err_set(e, ERR_USAGE, false, "--bad %s: this file is also an "
	    "input: give another one", in->bad_name);
}

static int
set_stopped_error(struct err *e)
{
	return err_set(e, ERR_RETRY, true, "put: stopped by a signal; nothing "
	    "was stored: put the same files again");
}

int
intake_read(struct intake *in, const char *name, struct err *e)
{
	bool from_stdin = strcmp(name, "-") == 0;
	int fd = from_stdin ? STDIN_FILENO :
	    open(name, O_RDONLY | O_CLOEXEC);
	enum lines_result r = LINES_FAILED;
	struct lines *lines = NULL;
	struct line l;

	if (fd == -1 && errno == EINTR && stop_signal() != 0)
		return set_stopped_error(e);
	if (fd == -1)
		return err_errno(e, ERR_INPUT, name);
	if (from_stdin)
		name = "stdin";
	free(in->stream);       /* set if the file was cut off */
	in->stream = NULL;
	if (check_bad_file(in, fd, e) == -1 ||
	    lines_open(&lines, fd, line_max, e) == -1)
		goto out;
	while ((r = lines_next(lines, &l, -1, e)) == LINES_ONE)
		if (take_line(in, &l, name, e) == -1)
			goto out;
	report_bad_line(in, name, r == LINES_END);
	if (r == LINES_FAILED)
		err_prefix(e, "%s", name);
	if (r == LINES_STOP)
		(void)set_stopped_error(e);
out:
	lines_close(lines);
	if (!from_stdin)
		(void)close(fd);
	return r == LINES_END ? 0 : -1;
}

/* Forces the --bad file to the disk. If it is a pipe or /dev/null, fsync(2)
 * fails with EINVAL; that is not a failure. */
static int
sync_bad_file(struct intake *in, struct err *e)
{
	int rc = fflush(in->bad);

	if (rc != EOF)
		do
			rc = fsync(fileno(in->bad));
		while (rc == -1 && errno == EINTR);
	return rc == 0 || errno == EINVAL ? 0 :
	    err_errno(e, ERR_IO, in->bad_name);
}

int
intake_flush(struct intake *in, struct err *e)
{
	if (in->broken > NAMED)
		err_warn("etl-dlq", "put: there are more bad lines, which are "
		    "not printed");
	if (fflush(in->file) == EOF)
		return err_errno(e, ERR_IO, "temporary file");
	return in->bad != NULL ? sync_bad_file(in, e) : 0;
}

int
intake_report(const struct intake *in, struct err *e)
{
	return run_report_write_stored(&in->reports, e);
}
