#include "summary.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Prints how many records were skipped because an earlier run had loaded
 * them. */
static void
print_skipped(const struct loader *l)
{
	const struct stream *s = &l->stream;

	if (l->passed > 0 || (l->totals.in > 0 && s->skipped > 0))
		(void)fprintf(stderr, "etl-load: %llu records were skipped: "
		    "they were loaded before\n",
		    (unsigned long long)l->passed + s->skipped);
	else if (s->loaded && l->totals.in == 0)
		(void)fprintf(stderr, "etl-load: this stream was loaded "
		    "before: its %llu records were skipped\n",
		    (unsigned long long)s->skipped);
	else if (s->skipped > 0)
		(void)fprintf(stderr, "etl-load: the first %llu records of "
		    "this stream were skipped: they were loaded before\n",
		    (unsigned long long)s->skipped);
}

static void
print_summary_if_terminal_or_verbose(const struct loader *l, struct sums t)
{
	if (!l->o->verbose && !isatty(STDERR_FILENO))
		return;
	(void)fprintf(stderr, "etl-load: %s in %s: %llu in, %llu inserted, "
	    "%llu updated, %llu unchanged, %llu superseded, ",
	    l->target.table->name, db_name(l->db), (unsigned long long)t.in,
	    (unsigned long long)t.inserted, (unsigned long long)t.updated,
	    (unsigned long long)t.unchanged,
	    (unsigned long long)t.superseded);
	if (t.skipped > 0 || l->target.mode->skips ||
	    l->target.newer_by != NO_COLUMN)
		(void)fprintf(stderr, "%llu skipped, ",
		    (unsigned long long)t.skipped);
	if (l->target.mode->deletes)
		(void)fprintf(stderr, "%llu deleted, %llu missed, ",
		    (unsigned long long)t.deleted,
		    (unsigned long long)t.missed);
	(void)fprintf(stderr, "%llu rejected",
	    (unsigned long long)t.rejected);
	if (l->target.mode->removes)
		(void)fprintf(stderr, ", %llu removed",
		    (unsigned long long)t.removed);
	(void)fprintf(stderr, "\n");
	print_skipped(l);
	if (!l->marked && !l->target.mode->complete)
		(void)fprintf(stderr, "etl-load: the input was plain NDJSON: "
		    "etl-load cannot tell whether it was complete\n");
}

void
print_summary_and_warn_of_rejects(const struct loader *l)
{
	struct sums t = l->totals;
	struct reject_tally all;

	sums_add(&t, &l->sums);
	print_summary_if_terminal_or_verbose(l, t);
	all = (struct reject_tally){ .rejected = t.rejected, .seen = t.in,
		.ended = true, .plain = !l->marked };
	reject_warn_if_all_rejected(
	    "etl-load", stage_limit(l->stage), &all, l->causes);
}

/* Appends the columns of the primary key as "a,b"; false if there is none. */
static bool
put_primary_key_list_if_any(struct buf *b, const struct table *t)
{
	for (int place = 1; ; place++) {
		size_t i = 0;

		while (i < t->n && t->columns[i].key != place)
			i++;
		if (i == t->n)
			return place > 1;
		if (place > 1)
			buf_char(b, ',');
		text_show(b, t->columns[i].name, strlen(t->columns[i].name));
	}
}

void
suggest_key_if_rows_existed(const struct loader *l)
{
	const struct load_opts *o = l->o;
	const char *violated = l->outcome.violated;
	struct buf b;
	size_t at;

	if (*violated == '\0' || o->key != NULL || o->mode != NULL)
		return;
	buf_init(&b, 64 << 10);
	buf_printf(&b, "records were rejected because table %s already has "
	    "such a row (unique index: ", l->target.table->name);
	text_show(&b, violated, strlen(violated));
	buf_str(&b, "); to update that row instead, load with --key and the "
	    "columns of the index");
	at = b.len;
	buf_str(&b, ", for the primary key: --key ");
	if (!put_primary_key_list_if_any(&b, l->target.table))
		b.len = at;
	(void)fprintf(stderr, "etl-load: %s\n", buf_text(&b));
	buf_release(&b);
}
