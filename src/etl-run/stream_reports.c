#include "stream_reports.h"

#include "base/file.h"
#include "json/number.h"
#include "json/write.h"
#include "stream/fdwrite.h"
#include "streams_judge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 30 };

void
reports_init(struct reports *r)
{
	*r = (struct reports){ .n = 0 };
	buf_init(&r->failed, SIZE_MAX / 4);
	buf_init(&r->lost, SIZE_MAX / 4);
}

int
reports_create(const char *path, const char *run, struct err *e)
{
	struct buf b;
	int fd, rc = 0;

	buf_init(&b, 1024);
	buf_char(&b, '{');
	json_put_text(&b, "run", run);
	buf_str(&b, "}\n");
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		rc = err_errno(e, ERR_CREATE, path);
	else if ((rc = buf_check(&b, e)) == 0 &&
	    fd_write_all(fd, b.data, b.len) == -1)
		rc = err_errno(e, ERR_IO, path);
	if (fd != -1)
		(void)close(fd);
	buf_release(&b);
	return rc;
}

/* Copies the text of a member. Leaves *out NULL if the member is missing or not
 * a text. */
static int
copy_member(char **out, const struct json *j, const char *name, struct err *e)
{
	uint32_t i = json_member_value(j, 0, name, strlen(name));
	struct buf b;
	int rc;

	if (i == 0 || j->tok[i].type != JSON_STRING || *out != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 4);
	json_unescape(&b, j, i);
	(void)buf_text(&b);
	if ((rc = buf_check(&b, e)) == 0 &&
	    (*out = strdup(buf_text(&b))) == NULL)
		rc = err_nomem(e);
	buf_release(&b);
	return rc;
}

static bool
has_true_member(const struct json *j, const char *name)
{
	uint32_t i = json_member_value(j, 0, name, strlen(name));

	return i != 0 && j->tok[i].type == JSON_TRUE;
}

static int64_t
get_number_member(const struct json *j, const char *name)
{
	uint32_t i = json_member_value(j, 0, name, strlen(name));
	int64_t v = 0;

	if (i == 0 || j->tok[i].type != JSON_NUMBER || !number_to_int64(
	    j->text + j->tok[i].at, j->tok[i].len, &v))
		return 0;
	return v;
}

static struct report *
new_report(struct reports *r, struct err *e)
{
	size_t room = r->room > 0 ? r->room * 2 : 16;
	struct report *v;

	if (r->n == r->room) {
		if ((v = realloc(r->v, room * sizeof(*v))) == NULL) {
			(void)err_nomem(e);
			return NULL;
		}
		r->v = v;
		r->room = room;
	}
	v = &r->v[r->n++];
	*v = (struct report){ .begun_at = r->lines };
	return v;
}

/* Returns the report of the process, or adds one. */
static struct report *
add_report(struct reports *r, const struct json *j, struct err *e)
{
	struct report *v = NULL;
	char *process = NULL;

	if (copy_member(&process, j, "process", e) == -1)
		return NULL;
	for (size_t i = r->n; v == NULL && process != NULL && i-- > 0;)
		if (r->v[i].process != NULL &&
		    strcmp(r->v[i].process, process) == 0)
			v = &r->v[i];
	if (v == NULL && (v = new_report(r, e)) != NULL) {
		v->process = process;
		return v;
	}
	free(process);
	return v;
}

static bool
is_event(const struct json *j, const char *name)
{
	uint32_t i = json_member_value(j, 0, "event", 5);
	size_t n = strlen(name);

	return i != 0 && j->tok[i].len == n + 2 &&
	    memcmp(j->text + j->tok[i].at + 1, name, n) == 0;
}

/* Stores what the line says in the report of its process. */
static int
store_event(struct report *v, const struct json *j, size_t line, struct err *e)
{
	if (is_event(j, "load")) {
		v->appends = has_true_member(j, "appends");
		return copy_member(&v->load_id, j, "id", e) == -1 ||
		    copy_member(&v->target, j, "target", e) == -1 ? -1 : 0;
	}
	if (is_event(j, "stored")) {
		v->state = REPORT_ENDED;
		v->stored = get_number_member(j, "rejects");
		return copy_member(&v->stored_id, j, "id", e) == -1 ||
		    copy_member(&v->stored_path, j, "path", e) == -1 ? -1 : 0;
	}
	if (is_event(j, "begin")) {     /* the path of `begin` is longer than
					 * that of `open` */
		free(v->path);
		v->path = NULL;
	}
	v->replay |= has_true_member(j, "replay");
	v->reads_pipe |= has_true_member(j, "pipe");
	v->nested |= has_true_member(j, "nested");
	v->appended |= has_true_member(j, "appended");
	if (copy_member(&v->path, j, "path", e) == -1 ||
	    copy_member(&v->command, j, "command", e) == -1 ||
	    copy_member(&v->files, j, "files", e) == -1 ||
	    copy_member(&v->in, j, "in", e) == -1 ||
	    copy_member(&v->out, j, "out", e) == -1 ||
	    copy_member(&v->stream, j, "stream", e) == -1 ||
	    copy_member(&v->id, j, "id", e) == -1 ||
	    copy_member(&v->message, j, "message", e) == -1)
		return -1;
	if (is_event(j, "open") || is_event(j, "begin"))
		return 0;
	v->ended_at = line;
	v->state = is_event(j, "end") ? REPORT_ENDED : REPORT_FAILED;
	v->writes_pipe =
	    json_member_value(j, 0, "rejects_in_pipe", 15) != 0;
	v->rejects = get_number_member(j, "rejects_in_pipe");
	v->code = (int)get_number_member(j, "code");
	v->maybe_loaded = has_true_member(j, "maybe_loaded");
	v->upstream = has_true_member(j, "upstream");
	return 0;
}

/* Adds a report for a line that cannot be parsed. It counts as a stream that
 * did not end. */
static int
add_damaged_line(struct reports *r, struct err *e)
{
	struct report *v = new_report(r, e);

	if (v == NULL || (v->path = strdup("?")) == NULL)
		return err_nomem(e);
	return 0;
}

/* Stores the report in the line. A line that is no JSON object counts as
 * damaged. */
static int
parse_report_line(struct reports *r, const char *p, size_t n, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	struct report *v;
	int rc;

	if (json_scan(&j, p, n, 2, JSON_LAST, &f) == -1 ||
	    j.tok[0].type != JSON_OBJECT)
		rc = f.nomem ? err_nomem(e) : add_damaged_line(r, e);
	else if (r->lines == 0)
		rc = copy_member(&r->run, &j, "run", e);
	else
		rc = (v = add_report(r, &j, e)) == NULL ? -1 :
		    store_event(v, &j, r->lines, e);
	json_release(&j);
	r->lines++;
	return rc;
}

static int
parse_lines(struct reports *r, const struct buf *b, struct err *e)
{
	const char *p = b->data, *end = p + b->len, *lf;

	for (; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return add_damaged_line(r, e);
		if (parse_report_line(r, p, (size_t)(lf - p), e) == -1)
			return -1;
	}
	return 0;
}

int
reports_read(struct reports *r, const char *path, struct err *e)
{
	struct buf b;
	int fd, rc;

	reports_release(r);
	reports_init(r);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : err_errno(e, ERR_IO, path);
	buf_init(&b, FILE_MAX);
	rc = file_read_fd(&b, fd, path, ERR_IO, e);
	(void)close(fd);
	if (rc == 0 && b.len > 0 && (rc = parse_lines(r, &b, e)) == 0)
		rc = streams_judge(r, e);
	buf_release(&b);
	return rc;
}

void
reports_release(struct reports *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct report *v = &r->v[i];
		char *all[] = { v->process, v->id, v->stream, v->path,
		    v->command, v->files, v->in, v->out, v->load_id,
		    v->target, v->message, v->stored_id, v->stored_path };

		for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			free(all[k]);
	}
	free(r->v);
	free(r->run);
	free(r->open);
	free(r->repeated);
	buf_release(&r->failed);
	buf_release(&r->lost);
	*r = (struct reports){ .n = 0 };
}
