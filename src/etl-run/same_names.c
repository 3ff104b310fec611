#include "same_names.h"

#include <stdlib.h>
#include <string.h>

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

static bool
have_same_names(const struct report *a, const struct report *b)
{
	return strcmp(a->stream, b->stream) == 0 &&
	    strcmp(last_stage(a), last_stage(b)) == 0;
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

/* Warns that several processes of the stream have the same stage name. */
static void
warn_same_name(const char *pipeline, const struct report *v, size_t processes,
    bool branches)
{
	err_warnf("etl-run", "%s: %zu processes are stage %s of stream %s: a "
	    "record that several of them reject is one dead letter: give each "
	    "%s", pipeline, processes, last_stage(v), v->stream,
	    branches ? "branch a stage name with --stage" :
	    "stream a name with etl-extract --stream");
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
			if (!have_same_names(sorted[i], sorted[i + len]))
				break;
		processes = count_processes(sorted + i, len, &branches);
		if (processes == 1 || warned[branches])
			continue;
		warn_same_name(pipeline, sorted[i], processes, branches);
		warned[branches] = true;
	}
	free(sorted);
}
