/* The sub-command put: reads files of reject lines (rejected records, each with
 * the cause) or saved streams that have such lines, and stores each reject as a
 * dead letter in the database. */
#include "base/file.h"
#include "base/retry.h"
#include "base/stop.h"
#include "base/text.h"
#include "control/control.h"
#include "dlq.h"
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

/* The input of put. Reject lines are first copied to a temporary file, so that
 * no transaction is open while put waits for a pipe. Lines that cannot be
 * stored are printed in a warning, and appended to the file of --bad. */
static int
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

static void
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

static int
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

static int
intake_flush(struct intake *in, struct err *e)
{
	if (in->broken > NAMED)
		err_warn("etl-dlq", "put: there are more bad lines, which are "
		    "not printed");
	if (fflush(in->file) == EOF)
		return err_errno(e, ERR_IO, "temporary file");
	return in->bad != NULL ? sync_bad_file(in, e) : 0;
}

enum { TRIES = 5, PART_LINES = 4096, PART_BYTES = 4 << 20 };

/* The lines of the temporary file that are stored in one transaction: at most
 * PART_LINES lines and about PART_BYTES bytes, or one longer line. */
struct part {
	char *lines[PART_LINES];
	struct letter_text texts[PART_LINES];
	size_t n, bytes;
	off_t at;               /* offset of the first line */
	bool failed;            /* reading the file failed */
};

static void
free_part(struct part *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->lines[i]);
	p->n = p->bytes = 0;
}

static bool
read_part(struct part *p, FILE *f)
{
	free_part(p);
	p->at = ftello(f);
	while (p->n < PART_LINES && p->bytes < PART_BYTES) {
		size_t cap = 0;
		ssize_t len;

		p->lines[p->n] = NULL;
		if ((len = getline(&p->lines[p->n], &cap, f)) == -1) {
			free(p->lines[p->n]);
			p->failed = feof(f) == 0;
			break;
		}
		if (p->n > 0 && len > PART_BYTES) {     /* the next part */
			free(p->lines[p->n]);
			p->failed = fseeko(f, -len, SEEK_CUR) == -1;
			break;
		}
		p->texts[p->n] = (struct letter_text){ p->lines[p->n],
		    (size_t)len - 1 };
		p->bytes += (size_t)len;
		p->n++;
	}
	return p->n > 0 && !p->failed;
}

/* Stores a part that is one large line. letters_add_line() frees the line while
 * it stores it, to save memory, so if the part is tried again, the line is read
 * from the temporary file again. */
static int
store_large_line(struct dlq *d, struct part *p, FILE *f, int64_t *stored,
    struct err *e)
{
	struct buf line;

	if (p->lines[0] == NULL && (fseeko(f, p->at, SEEK_SET) == -1 ||
	    !read_part(p, f)))
		return err_errno(e, ERR_IO, "temporary file");
	buf_init(&line, SIZE_MAX / 4);
	line.data = p->lines[0];
	line.len = line.cap = p->texts[0].len;
	p->lines[0] = NULL;
	*stored = 0;
	if (letters_add_line(d->db, &line, 0, stored, e) == -1)
		return -1;
	return letters_finish(d->db, NULL, 0, stored, e);
}

/* Stores the part in one transaction. *stored is the number of rejections
 * that the transaction added. If the connection was lost during COMMIT, it
 * is not known whether the transaction was committed: then
 * *stored_if_commit_lost is set to that number, too. */
static int
try_store_part(struct dlq *d, struct part *p, FILE *f, int64_t *stored,
    int64_t *stored_if_commit_lost, struct err *e)
{
	bool large = p->n == 1 && p->bytes > PART_BYTES;

	if (db_begin(d->db, e) == 0 && (large ?
	    store_large_line(d, p, f, stored, e) :
	    letters_store(d->db, p->texts, p->n, 0, stored, e)) == 0) {
		if (db_commit(d->db, e) == 0)
			return 0;
		if (db_fault(d->db)->lost)
			*stored_if_commit_lost = *stored;
	}
	db_rollback(d->db);
	return -1;
}

/* Stores the part. If the database fails temporarily, tries again. A second try
 * does no harm, because a rejection that is already stored is not added again.
 * If the connection was lost during COMMIT although the COMMIT was executed,
 * the second try adds nothing; *added then grows by the number of the first try
 * (`stored_if_lost`). */
static int
commit_part(struct dlq *d, struct part *p, FILE *f, int64_t *added,
    struct err *e)
{
	const struct retry wait = { TRIES, 200, 5000 };
	int64_t stored = 0, stored_if_lost = 0;

	for (uint64_t n = 1;; n++) {
		if (try_store_part(d, p, f, &stored, &stored_if_lost, e) == 0) {
			*added += stored > 0 ? stored : stored_if_lost;
			return 0;
		}
		if (!db_fault(d->db)->again || n > wait.max ||
		    wait_ms(retry_delay(&wait, n)) == -1)
			return -1;
		while (db_reopen(d->db, e) == -1)
			if (!e->transient || ++n > wait.max ||
			    wait_ms(retry_delay(&wait, n)) == -1)
				return -1;
	}
}

/* Stores all reject lines of the temporary file, part by part. Each part has
 * its own transaction, so that a large file does not keep locks for long. If
 * this fails half-way, the user runs put with the same file again; rejects that
 * are stored already are not stored twice. */
static int
store_all_rejects(
    struct dlq *d, struct intake *in, int64_t *added, struct err *e)
{
	struct part *p = calloc(1, sizeof(*p));
	FILE *f = in->file;
	int rc = 0;

	if (p == NULL)
		return err_nomem(e);
	rewind(f);
	while (rc == 0 && read_part(p, f))
		rc = stop_signal() != 0 ? -1 : commit_part(d, p, f, added, e);
	if (rc == 0 && p->failed)
		rc = err_errno(e, ERR_IO, "temporary file");
	if (rc == -1 && stop_signal() != 0)
		(void)err_set(e, ERR_RETRY, true, "put: stopped by a signal "
		    "after %lld were stored: put the same files again",
		    (long long)*added);
	free_part(p);
	free(p);
	return rc;
}

/* Prints the counts. Then reports the stored streams, or fails if a line was
 * not stored. */
static int
finish_put(struct dlq *d, const struct intake *in, int64_t added, struct err *e)
{
	char text[128];
	int n;

	n = snprintf(text, sizeof(text), "%lld stored, %lld known before, "
	    "%llu other lines", (long long)added,
	    (long long)in->rejects - (long long)added,
	    (unsigned long long)in->others);
	if (out_write_line(d->out, text, (size_t)n, e) == -1)
		return -1;
	/* Tells etl-run that the rejects of the streams in the input are
	 * stored, but for streams without the mark `end`. */
	if (in->broken == 0)
		return run_report_write_stored(&in->reports, e);
	return err_set(e, ERR_DATA, false, "put: %llu line%s not stored%s%s",
	    (unsigned long long)in->broken,
	    in->broken == 1 ? " was" : "s were",
	    d->opts->bad != NULL ? ", and kept in " : "",
	    d->opts->bad != NULL ? d->opts->bad : "");
}

int
put_command(struct dlq *d, struct err *e)
{
	char stdin_name[] = "-";
	char *const none[] = { stdin_name };
	char *const *files = d->nargs > 0 ? d->args : none;
	int n = d->nargs > 0 ? d->nargs : 1, rc;
	struct intake *in = NULL;
	int64_t added = 0;

	rc = intake_open(&in, d->opts->bad, e);
	for (int i = 0; rc == 0 && i < n; i++)
		rc = intake_read(in, files[i], e);
	if (rc == 0)
		rc = intake_flush(in, e);
	if (rc == 0)
		err_note("etl-dlq", db_url_notice(d->opts->db));
	if (rc == 0)
		rc = control_open_tables(&d->db, d->opts->db,
		    d->opts->control_schema, true, e);
	if (rc == 0)
		rc = store_all_rejects(d, in, &added, e);
	if (rc == 0)
		rc = finish_put(d, in, added, e);
	intake_free(in);
	return rc;
}
