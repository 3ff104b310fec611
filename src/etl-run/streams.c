#include "streams.h"

#include "base/file.h"
#include "json/number.h"
#include "json/write.h"
#include "stream/line_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* True if the stage with the path `inner` comes before the stage with the path
 * `outer` in the stream: a path lists all stages up to its own. */
static bool
is_before(const char *inner, const char *outer)
{
	size_t n = strlen(inner);

	return strncmp(inner, outer, n) == 0 && outer[n] == '/';
}

/* Sorts by stream, then by path, then by the time of begin. */
static int
compare_reports(const void *a, const void *b)
{
	const struct report *x = *(struct report *const *)a,
			    *y = *(struct report *const *)b;
	int rc = strcmp(x->id, y->id);

	if (rc == 0)
		rc = strcmp(x->path, y->path);
	return rc != 0 ? rc : (x->begun_at > y->begun_at) -
	    (x->begun_at < y->begun_at);
}

/* Returns the report of the process that writes to the pipe that v reads.
 * Returns NULL if v reads no pipe, or if not exactly one report names this pipe
 * as its output. */
static struct report *
find_writer(const struct reports *r, const struct report *v)
{
	struct report *writer = NULL;

	for (size_t i = 0; v->in != NULL && i < r->n; i++) {
		struct report *p = &r->v[i];

		if (p->out == NULL || strcmp(p->out, v->in) != 0)
			continue;
		if (writer != NULL)
			return NULL;
		writer = p;
	}
	return writer;
}

/* A stage may fail before it has read the begin of the stream, for example
 * because it cannot connect to the database. Marks the stage that writes to
 * such a stage: it is then not the last stage, because the report of its reader
 * tells the failure. */
static void
mark_failed_readers(struct reports *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct report *v = &r->v[i];
		struct report *writer = v->id == NULL && !v->upstream ?
		    find_writer(r, v) : NULL;

		if (writer != NULL) {
			writer->last = false;
			writer->reader_failed = true;
		}
	}
}

/* Sorts the reports by stream and path, and sets `last` in each report whose
 * stage is the last one of this run that has read the stream. */
static int
sort_reports(struct reports *r, struct err *e)
{
	struct report **sorted = calloc(r->n + 1, sizeof(struct report *));
	size_t n = 0;

	if (sorted == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].id != NULL && r->v[i].path != NULL)
			sorted[n++] = &r->v[i];
		else
			r->v[i].last = true;
	qsort(sorted, n, sizeof(struct report *), compare_reports);
	for (size_t i = 0; i < n; i++) {
		size_t k = i + 1;

		/* In the sorted order, a path is before all longer paths that
		 * begin with it. So the stages that read the output of stage i
		 * come after it. */
		while (k < n && strcmp(sorted[k]->id, sorted[i]->id) == 0 &&
		    !is_before(sorted[i]->path, sorted[k]->path))
			k++;
		sorted[i]->last =
		    k == n || strcmp(sorted[k]->id, sorted[i]->id) != 0;
	}
	mark_failed_readers(r);
	free(sorted);
	return 0;
}

/* Returns the stage directly before the stage of v in its stream, or NULL if
 * this run has none. */
static const struct report *
find_stage_before(const struct reports *r, const struct report *v)
{
	const struct report *best = NULL;

	if (v->id == NULL)
		return find_writer(r, v);
	for (size_t i = 0; i < r->n; i++) {
		const struct report *p = &r->v[i];

		if (p->id != NULL && strcmp(p->id, v->id) == 0 &&
		    p->path != NULL && v->path != NULL &&
		    is_before(p->path, v->path) &&
		    (best == NULL || strlen(p->path) > strlen(best->path)))
			best = p;
	}
	return best;
}

/* True if the stage of a and all stages before it have the same commands as the
 * stage of b and all stages before that. If the first stage reads a pipe from a
 * program that is not etl's, returns false, because it may have read other data
 * the second time. The files that they read must be the same, too. If the
 * report of a names no files, there is nothing to compare: the file of a
 * command that failed may not have existed yet. */
static bool
have_same_commands(const struct reports *r, const struct report *a,
    const struct report *b)
{
	while (a != NULL && b != NULL) {
		const struct report *before = find_stage_before(r, a);

		if (a->command == NULL || b->command == NULL ||
		    strcmp(a->command, b->command) != 0 ||
		    (a->files != NULL && (b->files == NULL ||
		    strcmp(a->files, b->files) != 0)) ||
		    (before == NULL && a->reads_pipe))
			return false;
		a = before;
		b = find_stage_before(r, b);
	}
	return a == NULL && b == NULL;
}

/* Returns the first stage of the stream of v. A source that failed before its
 * stream began can only be compared with the first stage of a later stream. */
static const struct report *
get_first_stage(const struct reports *r, const struct report *v)
{
	const struct report *before;

	while ((before = find_stage_before(r, v)) != NULL)
		v = before;
	return v;
}

/* True if the same commands were executed again later in the run, and
 * succeeded. */
static bool
was_repeated(const struct reports *r, const struct report *v)
{
	size_t since = v->state == REPORT_FAILED ? v->ended_at : v->begun_at;

	for (size_t i = 0; v->command != NULL && i < r->n; i++) {
		const struct report *w = &r->v[i];

		if (w->last && w->state == REPORT_ENDED &&
		    w->begun_at > since && have_same_commands(r, v,
		    v->id == NULL && find_stage_before(r, v) == NULL ?
		    get_first_stage(r, w) : w))
			return true;
	}
	return false;
}

/* Returns a name for messages: the stream, or else the path of its stages. */
static const char *
stream_label(const struct report *v)
{
	return v->stream != NULL ? v->stream : v->path != NULL ? v->path : "?";
}

/* Adds "NAME (why)" to the list of failed streams, unless the list has this
 * text: all stages of a stream report the message of the first failure. */
static void
list_failure(struct reports *r, const struct report *v)
{
	struct buf one;

	buf_init(&one, SIZE_MAX / 4);
	buf_printf(&one, "%s%s (%s)", v->nested ? "run " : "",
	    stream_label(v),
	    v->state == REPORT_BEGUN ? "did not end" :
	    v->message != NULL ? v->message : "failed");
	if (strstr(buf_text(&r->failed), buf_text(&one)) == NULL)
		buf_printf(&r->failed, "%s%s", r->failed.len > 0 ? ", " : "",
		    buf_text(&one));
	r->failed.failed |= one.failed;
	buf_release(&one);
}

static void
add_load(struct run_load *list, size_t *n, const struct report *v)
{
	list[(*n)++] = (struct run_load){ .stream_id = v->load_id,
		.target = v->target, .stream = stream_label(v) };
}

/* Lists the streams that failed. Sets r->code to the exit code of the failure
 * that was reported first. */
static void
list_failed_streams(struct reports *r)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < r->n; i++) {
		const struct report *v = &r->v[i];

		/* A stage that ended only because an earlier stage had failed
		 * before the stream began does not count: the report of the
		 * earlier stage does. */
		if (!v->last || v->state == REPORT_ENDED ||
		    (v->id == NULL && v->upstream))
			continue;
		if (was_repeated(r, v)) {
			add_load(r->repeated, &r->found.nrepeated, v);
			continue;
		}
		if (r->code == 0)
			r->code = EX_TEMPFAIL;
		if (v->state == REPORT_BEGUN && v->load_id != NULL) {
			add_load(r->open, &r->found.nopen, v);
			continue;
		}
		list_failure(r, v);
		r->found.nested_failed |= v->nested;
		if (v->state == REPORT_FAILED && v->ended_at < first) {
			first = v->ended_at;
			r->code = v->code > 0 ? v->code : EX_SOFTWARE;
		}
	}
}

/* True if etl-dlq put has read the output of the stage of v and has stored all
 * rejects in it. */
static bool
are_rejects_stored(const struct reports *r, const struct report *v)
{
	for (size_t i = 0; v->id != NULL && v->path != NULL && i < r->n; i++) {
		const struct report *p = &r->v[i];

		if (p->stored_id != NULL && p->stored_path != NULL &&
		    strcmp(p->stored_id, v->id) == 0 &&
		    strcmp(p->stored_path, v->path) == 0 &&
		    p->stored >= v->rejects)
			return true;
	}
	return false;
}

/* Lists the rejects that are lost: those that the last stage of a stream sent
 * into a pipe, unless etl-dlq put has stored them. If any program has read
 * them, it is not one of etl and has not stored them as dead letters. */
static void
list_lost_rejects(struct reports *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct report *v = &r->v[i];

		if (!v->last || v->state != REPORT_ENDED || !v->writes_pipe ||
		    are_rejects_stored(r, v))
			continue;
		r->found.unread = true;
		if (v->rejects <= 0)
			continue;
		buf_printf(&r->lost, "%sstream %s (%lld that stage %s sent to "
		    "a program that is not etl's)", r->lost.len > 0 ? ", " : "",
		    stream_label(v), (long long)v->rejects, v->path);
		r->found.lost_rejects += v->rejects;
	}
}

/* Compares the reports of all stages. Sets r->found (the streams that failed,
 * and the rejects that no program has stored), r->code and r->append_ended. */
static int
streams_judge(struct reports *r, struct err *e)
{
	r->open = calloc(r->n + 1, sizeof(*r->open));
	r->repeated = calloc(r->n + 1, sizeof(*r->repeated));
	if (r->open == NULL || r->repeated == NULL)
		return err_nomem(e);
	if (sort_reports(r, e) == -1)
		return -1;
	list_failed_streams(r);
	list_lost_rejects(r);
	for (size_t i = 0; i < r->n; i++) {
		const struct report *v = &r->v[i];

		r->append_ended |= v->appends &&
		    (v->state != REPORT_FAILED || v->maybe_loaded);
		r->nested_appended |= v->appended;
	}
	r->found.run = r->run;
	r->found.open = r->open;
	r->found.repeated = r->repeated;
	if (r->failed.len > 0)
		r->found.failed = buf_text(&r->failed);
	if (r->lost.len > 0)
		r->found.lost = buf_text(&r->lost);
	return buf_check(&r->failed, e) == -1 ||
	    buf_check(&r->lost, e) == -1 ? -1 : 0;
}

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

/* Compares the ids of two processes. In a report the id is UUID.N, where N is
 * the number of the stream in this process; N is not compared. */
static int
compare_processes(const char *a, const char *b)
{
	size_t n = strcspn(a, "."), m = strcspn(b, ".");
	int rc = strncmp(a, b, n < m ? n : m);

	return rc != 0 ? rc : (n > m) - (n < m);
}

static const char *
last_stage(const struct report *v)
{
	const char *slash = strrchr(v->path, '/');

	return slash != NULL ? slash + 1 : v->path;
}

/* Sorts by stream, then by stage, then by process. */
static int
compare_names(const void *a, const void *b)
{
	const struct report *x = *(struct report *const *)a,
			    *y = *(struct report *const *)b;
	int rc = strcmp(x->stream, y->stream);

	if (rc == 0)
		rc = strcmp(last_stage(x), last_stage(y));
	return rc != 0 ? rc : compare_processes(x->process, y->process);
}

/* True for a stage that only reads the stream: etl-load and etl-checkpoint
 * save. These have no option --stage. Two loaders of one stream load different
 * tables, so their letters differ by the name of the table. */
static bool
is_sink_stage(const struct report *v)
{
	const char *stage = last_stage(v);
	size_t n = strcspn(stage, ".");

	return stage != v->path &&
	    (strncmp(stage, "load", n) == 0 ||
	    strncmp(stage, "checkpoint", n) == 0);
}

/* True if a stage of the stream has failed. In this case two processes with the
 * same names are no mistake: the script may have executed the pipeline
 * again. */
static bool
has_failed_stage(const struct reports *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if ((r->v[i].state == REPORT_FAILED || r->v[i].reader_failed) &&
		    r->v[i].id != NULL && strcmp(r->v[i].id, id) == 0)
			return true;
	return false;
}

/* True if the report is to be compared with others. A replay is not: its stages
 * have the names of the letters on purpose. */
static bool
is_compared(const struct reports *r, const struct report *v)
{
	return !v->replay && v->process != NULL && v->id != NULL &&
	    v->stream != NULL && v->path != NULL &&
	    !is_sink_stage(v) && !has_failed_stage(r, v->id);
}

/* Returns the number of processes that have written these reports, all with the
 * same names of stage and stream. Sets *branches to true if two of the
 * processes have read the same stream. */
static size_t
count_processes(struct report *const *v, size_t n, bool *branches)
{
	size_t count = 1;

	*branches = false;
	for (size_t i = 1; i < n; i++) {
		if (compare_processes(v[i - 1]->process, v[i]->process) == 0)
			continue;
		count++;
		for (size_t k = 0; k < i && !*branches; k++)
			*branches = strcmp(v[k]->id, v[i]->id) == 0;
	}
	return count;
}

void
same_names_warn(const struct reports *r, const char *pipeline)
{
	struct report **sorted = calloc(r->n + 1, sizeof(struct report *));
	bool warned[2] = { false, false }, branches;
	size_t n = 0, len, processes;

	for (size_t i = 0; sorted != NULL && i < r->n; i++)
		if (is_compared(r, &r->v[i]))
			sorted[n++] = &r->v[i];
	if (n > 1)
		qsort(sorted, n, sizeof(struct report *), compare_names);
	for (size_t i = 0; i < n; i += len) {
		for (len = 1; i + len < n; len++)
			if (strcmp(sorted[i]->stream,
			    sorted[i + len]->stream) != 0 ||
			    strcmp(last_stage(sorted[i]),
			    last_stage(sorted[i + len])) != 0)
				break;
		processes = count_processes(sorted + i, len, &branches);
		if (processes == 1 || warned[branches])
			continue;
		err_warnf("etl-run", "%s: %zu processes are stage %s of "
		    "stream %s: a record that several of them reject is one "
		    "dead letter: give each %s", pipeline, processes,
		    last_stage(sorted[i]), sorted[i]->stream, branches ?
		    "branch a stage name with --stage" :
		    "stream a name with etl-extract --stream");
		warned[branches] = true;
	}
	free(sorted);
}
