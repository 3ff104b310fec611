#include "stage_impl.h"

#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_MS = 1000 };       /* how long to wait for the mark begin */

/* Called if this program fails before it reads its input, for example because a
 * filter does not compile. If the first line of the input is the mark begin,
 * writes this mark to the output. Without it, the later programs of the
 * pipeline would not look for marks, and so not for the mark failed. */
static void
pass_begin(struct stage *s)
{
	struct err e = { 0 };
	struct line l;

	if (s->in != NULL && s->state == STATE_START && !s->conf->plain &&
	    s->line.number == 0 && (s->piped || s->regular) &&
	    stage_next(s, &l, FIRST_MS, &e) == STAGE_MARK &&
	    s->given->kind == MARK_BEGIN)
		(void)stage_pass(s, &e);
}

/* Writes the mark failed at once. A failure to do so is ignored. */
static void
write_failed(struct out *o, struct buf *b, const char *name,
    const struct broken_files *broken, const struct err *why)
{
	struct err e = { 0 };

	buf_clear(b);
	if (mark_put_failed(b, name, why, broken, &e) == 0 &&
	    out_write_line(o, b->data, b->len, &e) == 0)
		(void)out_flush(o, &e);
}

void
stage_fail(struct stage *s, const struct err *why)
{
	struct err e = { 0 };

	if (s != NULL)
		stage_report_failed(s, why, false);
	if (s == NULL || s->out == NULL || why->code == ERR_GONE)
		return;
	(void)stage_flush(s, &e);
	if (s->closed || s->conf->bare)
		return;
	if (!s->started)
		pass_begin(s);
	if (s->closed ||
	    (!s->started && !s->marks && !stage_in_etl_run()))
		return;
	s->closed = true;
	/* If this stage failed before stage_join_stream(), its counts have no
	 * name: use the name of the program. */
	write_failed(s->out, &s->text,
	    s->counts.stage[0] != '\0' ? s->counts.stage : s->conf->name,
	    s->broken_json != NULL ? &s->broken : NULL, why);
}

/* Writes the mark failed if standard output is a pipe. */
static void
write_failed_pipe(const char *name, const struct err *why)
{
	struct err e = { 0 };
	struct out *o;
	struct stat st;
	struct buf b;

	if (fstat(STDOUT_FILENO, &st) == -1 || !S_ISFIFO(st.st_mode) ||
	    out_open(&o, STDOUT_FILENO, "standard output", &e) == -1)
		return;
	buf_init(&b, 64 << 10);
	write_failed(o, &b, name, NULL, why);
	buf_release(&b);
	out_free(o);
}

void
stage_fail_early(const char *name, const struct err *why)
{
	stage_report_early(name, why);
	if (stage_in_etl_run())
		write_failed_pipe(name, why);
}

void
stage_fail_pipe(const char *name, const struct err *why)
{
	stage_report_early(name, why);
	write_failed_pipe(name, why);
}
