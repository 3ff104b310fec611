/* Checks the counts that the stages (the programs of a pipeline) and the loads
 * (streams written to a table) of a run have stored. If a stream has ended, the
 * counts must account for each of its records: what one stage wrote, the next
 * one must have read. */
#include "run.h"

#include <string.h>

typedef long long ll;

static bool
is_loader(const struct run_stage *s)
{
	return s->has[COUNT_INSERTED];
}

static int64_t
sum_outcomes(const int64_t *c)
{
	return c[COUNT_INSERTED] + c[COUNT_UPDATED] + c[COUNT_UNCHANGED] +
	    c[COUNT_SUPERSEDED] + c[COUNT_SKIPPED] + c[COUNT_DELETED] +
	    c[COUNT_MISSED] + c[COUNT_REJECTED];
}

/* Appends a line to b if the counts of one stage contradict each other: for
 * example, if the loader read 10 records, but inserted, updated and rejected
 * only 9. A stage that has read no records is the source of the stream; its
 * output cannot be checked against its input. */
static void
report_counts(struct buf *b, const char *where, const struct run_stage *s)
{
	const int64_t *c = s->count;
	int64_t gone = c[COUNT_DROPPED] + c[COUNT_REJECTED];

	if (is_loader(s) && c[COUNT_IN] != sum_outcomes(c))
		buf_printf(b, "%s: %s read %lld records, but their outcomes "
		    "add up to %lld\n", where, s->name,
		    (ll)c[COUNT_IN], (ll)sum_outcomes(c));
	else if (!is_loader(s) && c[COUNT_IN] > 0 && (gone > c[COUNT_IN] ||
	    (gone == c[COUNT_IN] && c[COUNT_OUT] > 0)))
		buf_printf(b, "%s: %s read %lld records, dropped %lld, "
		    "rejected %lld, but wrote %lld\n", where, s->name,
		    (ll)c[COUNT_IN], (ll)c[COUNT_DROPPED],
		    (ll)c[COUNT_REJECTED], (ll)c[COUNT_OUT]);
	if (c[COUNT_ASIDE] > c[COUNT_REJECTED])
		buf_printf(b, "%s: %s wrote %lld rejects to a file, but "
		    "rejected only %lld\n", where, s->name,
		    (ll)c[COUNT_ASIDE], (ll)c[COUNT_REJECTED]);
}

/* Appends a line to b if the next stage, s[1], did not read as many records as
 * this stage, s[0], wrote. */
static void
report_next_stage(struct buf *b, const char *where, const struct run_stage *s)
{
	if (s[0].count[COUNT_OUT] == s[1].count[COUNT_IN])
		return;
	buf_printf(b, "%s: %s wrote %lld records, but %s read %lld\n", where,
	    s[0].name, (ll)s[0].count[COUNT_OUT], s[1].name,
	    (ll)s[1].count[COUNT_IN]);
}

/* Reports what contradicts itself in the stages of one load. */
static void
report_stages(struct buf *b, const char *where, const struct run_counts *t,
    bool compares_neighbours)
{
	for (size_t i = 0; i < t->n; i++) {
		report_counts(b, where, &t->stages[i]);
		if (compares_neighbours && i + 1 < t->n)
			report_next_stage(b, where, &t->stages[i]);
	}
}

static bool
has_run_succeeded(const struct run_report *h)
{
	return strcmp(h->text[TEXT_STATUS], "success") == 0;
}

/* Adds a problem to the report if a total in the run's row (table
 * pipeline_runs) is not the sum of the counts of the run's stages. */
static void
report_totals(struct run_report *h)
{
	const struct run_counts *t = &h->stages;
	const struct { const char *name; int64_t row, stages; } all[] = {
		{ "extracted", h->number[NUMBER_EXTRACTED], t->extracted },
		{ "loaded", h->number[NUMBER_LOADED],
		    run_counts_sum(t, COUNT_INSERTED) +
		    run_counts_sum(t, COUNT_UPDATED) +
		    run_counts_sum(t, COUNT_DELETED) },
		{ "unchanged", h->number[NUMBER_UNCHANGED],
		    run_counts_sum(t, COUNT_UNCHANGED) },
		{ "dropped", h->number[NUMBER_DROPPED],
		    run_counts_sum(t, COUNT_DROPPED) },
		{ "rejected", h->number[NUMBER_REJECTED],
		    run_counts_sum(t, COUNT_REJECTED) },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].row != all[i].stages)
			buf_printf(&h->problems, "the row has %lld %s, but "
			    "its stages have %lld\n", (ll)all[i].row,
			    all[i].name, (ll)all[i].stages);
}

/* True if the run loaded the same stream twice, for example into two tables
 * with tee(1). The database stores the rejects of such a stream only once,
 * although both loads count them. */
static bool
has_stream_twice(const struct run_report *h)
{
	for (size_t i = 0; i < h->nloads; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(h->loads[i].stream,
			    h->loads[k].stream) == 0)
				return true;
	return false;
}

int64_t
count_stored_letters(const struct run_report *h, const struct run_stage *s)
{
	int64_t n = 0;

	for (size_t k = 0; k < h->ncodes; k++)
		if (strcmp(h->codes[k].stage, s->name) == 0)
			n += h->codes[k].count;
	return n;
}

/* Adds a problem to the report if the database has more dead letters (stored
 * rejects) of a stage than the stage rejected. Fewer are no problem: an earlier
 * run may have stored the same rejects, or etl-dlq purge has deleted them.
 * Rejects that were written to a file (COUNT_ASIDE) are not in the database. */
static void
report_letters(struct run_report *h)
{
	for (size_t i = 0; i < h->stages.n; i++) {
		const struct run_stage *s = &h->stages.stages[i];
		int64_t due = s->count[COUNT_REJECTED] -
		    s->count[COUNT_ASIDE];

		if (count_stored_letters(h, s) > due)
			buf_printf(&h->problems, "%s: %lld records were "
			    "rejected into the stream, but %lld were stored "
			    "as dead letters\n", s->name, (ll)due,
			    (ll)count_stored_letters(h, s));
	}
}

void
run_report_check(struct run_report *h)
{
	for (size_t i = 0; i < h->nloads; i++)
		report_stages(&h->problems, h->loads[i].target,
		    &h->loads[i].counts, h->loads[i].ended);
	if (h->nloads == 0)
		report_stages(&h->problems, "its row", &h->stages, false);
	if (h->text[TEXT_STAGES] != NULL)
		report_totals(h);
	if (has_run_succeeded(h) && !has_stream_twice(h))
		report_letters(h);
}
