#include "summary.h"

#include "base/shell_word.h"
#include "base/text.h"
#include "commit/keep_before.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Prints how many records were skipped because an earlier run had loaded
 * them. */
static void
print_skipped(const struct loader *l)
{
	const struct stream *s = &l->stream;

	if (l->passed > 0 || (l->totals.in > 0 && s->skipped > 0))
		err_printf("etl-load: %llu records were skipped: "
		    "they were loaded before\n",
		    (unsigned long long)l->passed + s->skipped);
	else if (s->loaded && l->totals.in == 0)
		err_printf("etl-load: this stream was loaded "
		    "before: its %llu records were skipped\n",
		    (unsigned long long)s->skipped);
	else if (s->skipped > 0)
		err_printf("etl-load: the first %llu records of "
		    "this stream were skipped: they were loaded before\n",
		    (unsigned long long)s->skipped);
}

static void
print_counts(const struct loader *l, const struct sums *t)
{
	err_printf("%llu in, %llu inserted, %llu updated, "
	    "%llu unchanged, %llu superseded, ",
	    (unsigned long long)t->in, (unsigned long long)t->inserted,
	    (unsigned long long)t->updated, (unsigned long long)t->unchanged,
	    (unsigned long long)t->superseded);
	if (t->skipped > 0 || l->mode->skips || l->o->newer_by != NULL)
		err_printf("%llu skipped, ",
		    (unsigned long long)t->skipped);
	if (l->mode->deletes)
		err_printf("%llu deleted, %llu missed, ",
		    (unsigned long long)t->deleted,
		    (unsigned long long)t->missed);
	err_printf("%llu rejected",
	    (unsigned long long)t->rejected);
	if (l->mode->removes)
		err_printf(", %llu removed",
		    (unsigned long long)t->removed);
	err_printf("\n");
}

/* Prints a line for each table, and then the start of the line with the
 * totals. */
static void
print_tables(const struct loader *l)
{
	for (size_t i = 0; i < l->ntables; i++) {
		err_printf("etl-load: table %s: ",
		    l->tables[i].target.table->name);
		print_counts(l, &l->tables[i].sums);
	}
	err_printf("etl-load: %zu table%s in %s: ", l->ntables,
	    l->ntables == 1 ? "" : "s", db_name(l->db));
}

/* Prints separate lines for the tables of --nested: their rows come from
 * elements of records, so the counts of records do not include them. */
static void
print_nested(const struct loader *l)
{
	for (size_t i = l->ntables; i < loader_count_tables(l); i++) {
		const struct sums *t = &l->tables[i].sums;

		err_printf("etl-load: table %s: %llu rows of %s "
		    "inserted, %llu old rows removed\n",
		    l->tables[i].target.table->name,
		    (unsigned long long)t->inserted,
		    l->nested_list.v[i - l->ntables].pointer,
		    (unsigned long long)t->removed);
	}
}

/* Prints the command that undoes the load. Inside etl-run, DATABASE_URL comes
 * from etl-run. The user's shell may not have this variable, so the command
 * gets the option --db. */
static void
print_undo(const struct loader *l)
{
	const char *url = l->o->db, *schema = l->o->control_schema;
	struct buf options;
	bool is_public;

	if (l->run != NULL && url == NULL)
		url = getenv("DATABASE_URL");
	if (l->run != NULL && schema == NULL)
		schema = getenv("ETL_CONTROL_SCHEMA");
	buf_init(&options, SIZE_MAX / 4);
	is_public = db_put_options(&options, url, schema);
	buf_str(&options, " --undo ");
	put_shell_word(&options, keep_before_get_run(l));
	buf_str(&options, " --table ");
	put_shell_word(&options, l->o->table);
	err_printf("etl-load: to undo this load%s: etl-load%s\n",
	    is_public ? "" : ", with its URL in DATABASE_URL",
	    buf_text(&options));
	buf_release(&options);
}

/* Prints nothing unless standard error is a terminal or -v is given. */
static void
print_report(const struct loader *l, struct sums t)
{
	if (!l->o->verbose && !isatty(STDERR_FILENO))
		return;
	if (l->list.n > 0)
		print_tables(l);
	else
		err_printf("etl-load: %s in %s: ",
		    l->tables[0].target.table->name, db_name(l->db));
	print_counts(l, &t);
	print_nested(l);
	if (l->o->keep_before)
		print_undo(l);
	print_skipped(l);
	if (!l->marked && !l->mode->complete)
		err_printf("etl-load: the input was plain NDJSON: "
		    "etl-load cannot tell whether it was complete\n");
}

void
print_summary(const struct loader *l)
{
	struct sums t = l->totals;
	struct reject_tally all;

	sums_add(&t, &l->sums);
	print_report(l, t);
	all = (struct reject_tally){ .rejected = t.rejected, .seen = t.in,
		.ended = true, .plain = !l->marked };
	reject_warn_all("etl-load", stage_limit(l->stage), &all, l->causes);
}

/* Appends the columns of the primary key as "a,b"; false if there is none. */
static bool
put_primary_key(struct buf *b, const struct table *t)
{
	int place = 1;

	for (size_t i; (i = table_find_key(t, place)) < t->n;
	     place++) {
		if (place > 1)
			buf_char(b, ',');
		text_show(b, t->columns[i].name, strlen(t->columns[i].name));
	}
	return place > 1;
}

static void
suggest_key(const struct table *t, const char *violated)
{
	struct buf b;
	size_t at;

	buf_init(&b, 64 << 10);
	buf_printf(&b, "records were rejected because table %s already has "
	    "such a row (unique index: ", t->name);
	text_show(&b, violated, strlen(violated));
	buf_str(&b, "); to update that row instead, load with --key and the "
	    "columns of the index");
	at = b.len;
	buf_str(&b, ", for the primary key: --key ");
	if (!put_primary_key(&b, t))
		b.len = at;
	err_printf("etl-load: %s\n", buf_text(&b));
	buf_release(&b);
}

void
suggest_upsert(const struct loader *l)
{
	if (l->o->key != NULL || l->o->mode != NULL || l->list.n > 0)
		return;
	for (size_t i = 0; i < l->ntables; i++)
		if (*l->tables[i].outcome.violated != '\0')
			suggest_key(l->tables[i].target.table,
			    l->tables[i].outcome.violated);
}
