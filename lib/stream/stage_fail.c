#include "stage_impl.h"

#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_MS = 1000 };       /* how long to wait for the mark begin */

/* Called if this program fails before it reads its input, for example because a
 * filter does not compile. If the first line of the input is the mark begin,
 * writes this mark to the output. Without it, the later programs of the
 * pipeline would not look for marks, and so not for the mark failed. */
static void
read_and_pass_begin_mark(struct stage *s)
{
	struct err e = { 0 };
	struct line l;

	if (s->in != NULL && s->state == STATE_START && !s->conf->plain &&
	    s->line.number == 0 && (s->piped || s->regular) &&
	    stage_next(s, &l, FIRST_MS, &e) == STAGE_MARK &&
	    s->given->kind == MARK_BEGIN)
		(void)stage_check_counts_and_pass_mark(s, &e);
}

static void
write_and_flush_failed_mark(struct out *o, struct buf *b, const char *name,
    const struct broken_files *broken, const struct err *why)
{
	struct err e = { 0 };

	buf_clear(b);
	if (mark_put_failed(b, name, why, broken, &e) == 0 &&
	    out_write_line(o, b->data, b->len, &e) == 0)
		(void)out_flush(o, &e);
}

void
stage_flush_and_write_failed_mark(struct stage *s, const struct err *why)
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
		read_and_pass_begin_mark(s);
	if (s->closed ||
	    (!s->started && !s->marks && !stage_in_etl_run()))
		return;
	s->closed = true;
	/* If this stage failed before stage_set_name_and_report_begin(), its
	 * counts have no name: use the name of the program. */
	write_and_flush_failed_mark(s->out, &s->text,
	    s->counts.stage[0] != '\0' ? s->counts.stage : s->conf->name,
	    s->broken_json != NULL ? &s->broken : NULL, why);
}

static void
write_failed_mark_if_stdout_is_pipe(const char *name, const struct err *why)
{
	struct err e = { 0 };
	struct out *o;
	struct stat st;
	struct buf b;

	if (fstat(STDOUT_FILENO, &st) == -1 || !S_ISFIFO(st.st_mode) ||
	    out_open_and_enlarge_pipe(
		&o, STDOUT_FILENO, "standard output", &e) == -1)
		return;
	buf_init(&b, 64 << 10);
	write_and_flush_failed_mark(o, &b, name, NULL, why);
	buf_release(&b);
	out_free(o);
}

void
stage_write_failed_mark_early(const char *name, const struct err *why)
{
	stage_report_failed_early(name, why);
	if (stage_in_etl_run())
		write_failed_mark_if_stdout_is_pipe(name, why);
}

void
stage_write_failed_mark_if_pipe(const char *name, const struct err *why)
{
	stage_report_failed_early(name, why);
	write_failed_mark_if_stdout_is_pipe(name, why);
}
