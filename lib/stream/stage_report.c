#include "stage_impl.h"

int
stage_report_open(struct stage *s, struct err *e)
{
	const struct run_report_input in = { .stage = s->counts.stage };

	return s->conf->source ? 0 : run_report_open(&s->report, &in, e);
}

int
stage_report_begin(struct stage *s, struct err *e)
{
	const struct run_report_input in = { .stage = s->counts.stage,
		.is_source = s->conf->source, .has_output = s->out != NULL };

	return run_report_begin(&s->report, &s->begin, &in, e);
}

int
stage_report_load(struct stage *s, const struct run_report_load *load,
    struct err *e)
{
	return run_report_load(&s->report, load, e);
}

void
stage_report_failed(struct stage *s, const struct err *why, bool maybe_loaded)
{
	run_report_fail(&s->report, s->counts.stage[0] != '\0' ?
	    s->counts.stage : s->conf->name, why, maybe_loaded);
}

void
stage_report_early(const char *name, const struct err *why)
{
	struct run_report r = { .streams = 0 };

	run_report_fail(&r, name, why, false);
}

/* Adds up the reject lines in the output: those of earlier stages, which the
 * mark end has counted, and those of this stage. */
void
stage_note_rejects(struct stage *s)
{
	const struct mark *m = &s->mark;
	uint64_t n = s->counts.rejected - s->counts.aside;

	if (!s->made)
		for (size_t i = 0; i < m->nstages; i++)
			n += m->stages[i].rejected - m->stages[i].aside;
	s->report.rejects = n;
}
