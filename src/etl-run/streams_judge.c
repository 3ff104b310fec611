#include "streams_judge.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

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

/* Sets `last` in each report whose stage is the last one of this run that has
 * read the stream. The reports are sorted by stream and path. */
static void
mark_last_stages(struct report **sorted, size_t n)
{
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

/* Sorts the reports by stream, and marks the last stage of each stream. */
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
	mark_last_stages(sorted, n);
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

/* True if b reads the same files as a. If the report of a names no files, there
 * is nothing to compare: the file of a command that failed may not have existed
 * yet. */
static bool
reads_same_files(const struct report *a, const struct report *b)
{
	return a->files == NULL ||
	    (b->files != NULL && strcmp(a->files, b->files) == 0);
}

/* True if the stage of a and all stages before it have the same commands as the
 * stage of b and all stages before that. If the first stage reads a pipe from a
 * program that is not etl's, returns false, because it may have read other data
 * the second time. */
static bool
have_same_commands(const struct reports *r, const struct report *a,
    const struct report *b)
{
	while (a != NULL && b != NULL) {
		const struct report *before = find_stage_before(r, a);

		if (a->command == NULL || b->command == NULL ||
		    strcmp(a->command, b->command) != 0 ||
		    !reads_same_files(a, b) ||
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

/* True for a failure or a missing end at the last stage of a stream. If a stage
 * ended only because an earlier stage had failed before the stream began, the
 * report of the earlier stage counts instead. */
static bool
is_failed_stream(const struct report *v)
{
	return v->last && v->state != REPORT_ENDED &&
	    !(v->id == NULL && v->upstream);
}

/* Lists the streams that failed. Sets r->code to the exit code of the failure
 * that was reported first. */
static void
list_failed_streams(struct reports *r)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < r->n; i++) {
		const struct report *v = &r->v[i];

		if (!is_failed_stream(v))
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

/* Notes whether an append may have been committed. */
static void
note_appends(struct reports *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct report *v = &r->v[i];

		r->append_ended |= v->appends &&
		    (v->state != REPORT_FAILED || v->maybe_loaded);
		r->nested_appended |= v->appended;
	}
}

int
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
	note_appends(r);
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
