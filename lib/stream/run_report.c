#include "stream/run_report.h"

#include "base/text.h"
#include "json/write.h"
#include "stream/fdwrite.h"
#include "stream/report_command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20 };

static const char *
get_report_file(const struct run_report *r)
{
	const char *path = r->file != NULL ? r->file : getenv("ETL_REPORTS");

	return path != NULL && *path != '\0' ? path : NULL;
}

/* True if the error shows that this process can never open the file, for
 * example because it runs as another user or in a container. */
static bool
is_lasting_error(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES ||
	    error == EPERM || error == EROFS || error == ELOOP;
}

/* Appends the lines to the file. If this process can never open it, warns and
 * returns 0. */
static int
append_lines(const char *path, const struct buf *lines, struct err *e)
{
	int fd, rc = 0;

	fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && is_lasting_error(errno)) {
		err_warnf(program_invocation_short_name, "%s: %s: etl-run does "
		    "not learn whether this stream ends", path,
		    strerror(errno));
		return 0;
	}
	if (fd == -1)
		return err_errno(e, ERR_IO, path);
	if (fd_write_line(fd, lines->data, lines->len) == -1)
		rc = err_errno(e, ERR_IO, path);
	(void)close(fd);
	return rc;
}

/* Ends the line, writes it, and frees it. */
static int
finish_line(struct buf *line, const struct run_report *r, struct err *e)
{
	int rc;

	buf_str(line, "}\n");
	rc = buf_check(line, e);
	if (rc == 0)
		rc = append_lines(get_report_file(r), line, e);
	buf_release(line);
	return rc;
}

static void
start_event_line(struct buf *b, struct run_report *r, const char *event)
{
	char name[UUID_TEXT + 16];

	if (r->process[0] == '\0')
		uuid_new(r->process);
	(void)snprintf(name, sizeof(name), "%s.%u", r->process, r->streams);
	buf_init(b, LINE_MAX_BYTES);
	buf_char(b, '{');
	json_put_text(b, "process", name);
	json_put_text(b, "event", event);
}

/* Writes a text that comes from the stream. Escapes control characters, because
 * etl-run prints the text. */
static void
put_shown_text(struct buf *b, const char *name, const char *text)
{
	struct buf shown;

	buf_init(&shown, LINE_MAX_BYTES);
	text_show(&shown, text, strlen(text));
	json_put_text(b, name, buf_text(&shown));
	b->failed |= shown.failed;
	buf_release(&shown);
}

/* Writes the member "path": the names of the stages in the mark, and the name
 * `stage`, with a slash between them. The mark and the stage may be NULL. */
static void
put_path(struct buf *b, const struct mark *m, const char *stage)
{
	struct buf path;

	buf_init(&path, LINE_MAX_BYTES);
	for (size_t i = 0; m != NULL && i < m->nstages; i++)
		buf_printf(&path, "%s%s", i > 0 ? "/" : "",
		    m->stages[i].stage);
	if (stage != NULL)
		buf_printf(&path, "%s%s", path.len > 0 ? "/" : "", stage);
	put_shown_text(b, "path", buf_text(&path));
	b->failed |= path.failed;
	buf_release(&path);
}

int
run_report_open(struct run_report *r, const struct run_report_input *in,
    struct err *e)
{
	struct buf b;

	if (get_report_file(r) == NULL)
		return 0;
	r->streams++;
	start_event_line(&b, r, "open");
	put_path(&b, NULL, in->stage);
	if (in->is_run)
		json_put_raw(&b, "nested", "true", 4);
	report_put_command(&b, in->is_source);
	r->opened = true;
	return finish_line(&b, r, e);
}

int
run_report_begin(struct run_report *r, const struct mark *begin,
    const struct run_report_input *in, struct err *e)
{
	struct buf b;
	int rc;

	if (get_report_file(r) == NULL)
		return 0;
	if (run_report_end(r, e) == -1)
		return -1;
	r->streams += !r->opened;
	r->opened = false;
	r->rejects = 0;
	start_event_line(&b, r, "begin");
	json_put_text(&b, "id", begin->id != NULL ? begin->id : "");
	if (begin->stream != NULL)
		put_shown_text(&b, "stream", begin->stream);
	if (begin->replay)
		json_put_raw(&b, "replay", "true", 4);
	put_path(&b, begin, in->stage);
	report_put_command(&b, in->is_source);
	rc = finish_line(&b, r, e);
	r->begun = rc == 0;
	r->has_output = in->has_output;
	return rc;
}

int
run_report_load(struct run_report *r, const struct run_report_load *load,
    struct err *e)
{
	struct buf b;

	if (get_report_file(r) == NULL)
		return 0;
	start_event_line(&b, r, "load");
	json_put_text(&b, "id", load->id);
	json_put_text(&b, "target", load->target);
	if (load->appends)
		json_put_raw(&b, "appends", "true", 4);
	return finish_line(&b, r, e);
}

/* True if all readers of the pipe have exited and have not read all bytes. */
static bool
has_unread_output(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };
	int left = 0;

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0 &&
	    ioctl(STDOUT_FILENO, FIONREAD, &left) == 0 && left > 0;
}

/* True if standard output is a pipe or a socket, or if this is not known. In
 * that case the program that reads it may lose the reject lines. */
static bool
is_output_pipe(void)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) == -1 || S_ISFIFO(st.st_mode) ||
	    S_ISSOCK(st.st_mode);
}

int
run_report_end(struct run_report *r, struct err *e)
{
	struct err why;
	struct buf b;

	if (!r->begun)
		return 0;
	if (r->has_output && has_unread_output()) {
		(void)err_set(&why, ERR_GONE, false, "-");
		run_report_fail(r, "", &why, false);
		return 0;
	}
	start_event_line(&b, r, "end");
	if (r->has_output && is_output_pipe())
		json_put_int(&b, "rejects_in_pipe", (int64_t)r->rejects);
	r->begun = false;
	return finish_line(&b, r, e);
}

static void
put_failure(struct buf *b, const struct err *why, bool maybe_loaded)
{
	static const char gone[] = "the reader of the output exited before it "
	    "had read everything";

	json_put_int(b, "code", why->code == ERR_GONE ? ERR_IO :
	    err_exit_code(why));
	put_shown_text(b, "message", why->code == ERR_GONE ? gone : why->msg);
	if (why->origin == ERR_UPSTREAM_PRINTED)
		json_put_raw(b, "upstream", "true", 4);
	if (maybe_loaded)
		json_put_raw(b, "maybe_loaded", "true", 4);
}

void
run_report_fail(struct run_report *r, const char *stage, const struct err *why,
    bool maybe_loaded)
{
	struct err e = { 0 };
	struct buf b;

	if (get_report_file(r) == NULL || r->failed)
		return;
	r->streams += !r->begun && !r->opened;
	start_event_line(&b, r, "failed");
	if (!r->begun) {
		put_path(&b, NULL, stage);
		report_put_command(&b, true);
	}
	put_failure(&b, why, maybe_loaded);
	if (finish_line(&b, r, &e) == -1)
		err_warnf(program_invocation_short_name,
		    "cannot report this failure to etl-run: %s", e.msg);
	r->failed = true;
	r->begun = false;
}

int
run_report_run(struct run_report *r, const char *name, struct err *e)
{
	struct run_report_input in = { name, .is_source = true,
		.is_run = true };

	return run_report_open(r, &in, e);
}

void
run_report_run_end(struct run_report *r, const struct err *why, bool appended)
{
	struct err e = { 0 };
	struct buf b;

	if (!r->opened)
		return;
	start_event_line(&b, r, why->code == ERR_NONE ? "end" : "failed");
	if (why->code != ERR_NONE)
		put_failure(&b, why, false);
	if (appended)
		json_put_raw(&b, "appended", "true", 4);
	if (finish_line(&b, r, &e) == -1)
		err_warnf(program_invocation_short_name,
		    "cannot report the end of this run to etl-run: %s", e.msg);
}

int
run_report_add_stored(struct buf *lines, struct run_report *r,
    const struct run_report_stored *stored, struct err *e)
{
	struct buf b;
	int rc;

	if (get_report_file(r) == NULL)
		return 0;
	r->streams++;
	start_event_line(&b, r, "stored");
	json_put_text(&b, "id", stored->id);
	put_path(&b, stored->end, NULL);
	json_put_int(&b, "rejects", (int64_t)stored->rejects);
	buf_str(&b, "}\n");
	rc = buf_check(&b, e);
	if (rc == 0) {
		buf_add(lines, b.data, b.len);
		rc = buf_check(lines, e);
	}
	buf_release(&b);
	return rc;
}

int
run_report_write_stored(const struct buf *lines, struct err *e)
{
	const char *path = getenv("ETL_REPORTS");

	return lines->len > 0 && path != NULL ?
	    append_lines(path, lines, e) : 0;
}
