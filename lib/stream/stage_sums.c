#include "stage_impl.h"

#include <string.h>

/* Counts a reject line of the input for the stage that wrote it. If the mark
 * begin (the first line of the stream) does not name that stage, the stage
 * wrote the line before the stream got its marks: it is only added to the
 * total. */
void
stage_count_reject_line(struct stage *s, const struct mark *m)
{
	s->seen++;
	for (size_t i = 0; i < s->begin.nstages; i++)
		if (strcmp(s->begin.stages[i].stage, m->stage) == 0)
			s->lines[i]++;
}

/* Fails if the mark names other stages than the mark begin. */
static int
check_same_stages(const struct stage *s, const struct mark *m, struct err *e)
{
	bool same = s->begin.nstages == m->nstages;

	for (size_t i = 0; same && i < m->nstages; i++)
		same = strcmp(s->begin.stages[i].stage,
		    m->stages[i].stage) == 0;
	if (same)
		return 0;
	return err_set(e, ERR_PEER, false, "line %llu: this mark names other "
	    "stages than the begin mark: another program has changed the "
	    "stream",
	    (unsigned long long)s->line.number);
}

/* Fails if another number of reject lines has arrived than the stages have
 * written. */
static int
check_reject_lines(const struct stage *s, const struct mark *m, struct err *e)
{
	for (size_t i = 0; i < m->nstages; i++) {
		const struct counts *c = &m->stages[i];
		uint64_t due = c->rejected - c->aside;

		if (s->lines[i] != due)
			return err_set(e, ERR_PEER, false, "stage %s wrote "
			    "%llu reject lines into the stream, but %llu "
			    "arrived: a command after it removes or adds "
			    "lines: run that command as \"etl-via COMMAND\"",
			    c->stage,
			    (unsigned long long)due,
			    (unsigned long long)s->lines[i]);
	}
	return 0;
}

int
stage_check_counts(const struct stage *s, const struct mark *m, struct err *e)
{
	const struct counts *last;

	if (check_same_stages(s, m, e) == -1 || mark_check_counts(m, e) == -1)
		return -1;
	if (m->nstages == 0)
		return 0;
	last = &m->stages[m->nstages - 1];
	if (mark_check_between(last->stage, last->out, s->counts.stage,
	    s->counts.in, e) == -1)
		return -1;
	return check_reject_lines(s, m, e);
}
