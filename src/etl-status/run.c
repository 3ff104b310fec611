/* etl-status --run ID: prints the report on one run. */
#include "status.h"

#include "control/control.h"

#include <stdlib.h>
#include <string.h>

/* Checks the counts that the stages (the programs of a pipeline) and the loads
 * (streams written to a table) of a run have stored. If a stream has ended, the
 * counts must account for each of its records: what one stage wrote, the next
 * one must have read. */

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

/* Reports what contradicts itself in the stages of one load. If
 * compares_neighbours, also reports a stage that did not read as many records
 * as the stage before it wrote. */
static void
report_stages(struct buf *b, const char *where, const struct run_counts *t,
    bool compares_neighbours)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct run_stage *s = &t->stages[i];

		report_counts(b, where, s);
		if (compares_neighbours && i + 1 < t->n &&
		    s[0].count[COUNT_OUT] != s[1].count[COUNT_IN])
			buf_printf(b, "%s: %s wrote %lld records, but %s "
			    "read %lld\n", where, s[0].name,
			    (ll)s[0].count[COUNT_OUT], s[1].name,
			    (ll)s[1].count[COUNT_IN]);
	}
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

/* Appends a line to problems for each count that does not add up. */
static void
run_report_check(struct run_report *h)
{
	for (size_t i = 0; i < h->nloads; i++)
		report_stages(&h->problems, h->loads[i].target,
		    &h->loads[i].counts, h->loads[i].ended);
	if (h->nloads == 0)
		report_stages(&h->problems, "its row", &h->stages, false);
	if (h->text[TEXT_STAGES] != NULL)
		report_totals(h);
	if (strcmp(h->text[TEXT_STATUS], "success") == 0 &&
	    !has_stream_twice(h))
		report_letters(h);
}

static void
run_report_release(struct run_report *h)
{
	for (size_t i = 0; i < TEXT_N; i++)
		free(h->text[i]);
	for (size_t i = 0; i < h->nloads; i++) {
		free(h->loads[i].target);
		free(h->loads[i].stream);
		run_counts_release(&h->loads[i].counts);
	}
	for (size_t i = 0; i < h->ncodes; i++) {
		free(h->codes[i].stage);
		free(h->codes[i].code);
	}
	free(h->loads);
	free(h->codes);
	run_counts_release(&h->stages);
	buf_release(&h->problems);
	*h = (struct run_report){ .nloads = 0 };
}

/* Copies a text of the database. For NULL it leaves *out as it is, which must
 * be NULL. */
static int
copy_text(char **out, struct db_value v, struct err *e)
{
	if (v.type == DB_NULL)
		return 0;
	*out = strndup(v.p != NULL ? v.p : "", v.len);
	return *out == NULL ? err_nomem(e) : 0;
}

static int
read_run_row(struct run_report *h, struct db *db, int64_t id, struct err *e)
{
	struct db_value v = DB_I(id);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_STATUS_RUN), &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		rc = 0;
		for (size_t i = 0; rc == 0 && i < TEXT_N; i++)
			rc = copy_text(&h->text[i], db_column(r, i), e);
		for (size_t i = 0; i < NUMBER_N; i++)
			h->number[i] = db_column(r, TEXT_N + i).i;
	} else if (rc == 0) {           /* the row was deleted in the
					 * meantime */
		rc = err_set(e, ERR_LIMIT, false, "the run was deleted from "
		    "%s while it was read", db_name(db));
	}
	db_end(r);
	return rc;
}

/* Adds the counts in the JSON text to *t. If the text is not valid, adds a
 * problem to the report and succeeds: the rest of the report can still be
 * printed. */
static int
add_counts(struct run_report *h, struct run_counts *t, const char *json,
    size_t len, const char *where, struct err *e)
{
	if (run_counts_add_json(t, json, len, e) == 0)
		return 0;
	if (e->code != ERR_PEER)
		return -1;
	buf_printf(&h->problems, "%s: %s\n", where, e->msg);
	return 0;
}

static int
add_load(struct run_report *h, const struct db_rows *r, struct err *e)
{
	struct run_load *l = realloc(h->loads,
	    (h->nloads + 1) * sizeof(*l));
	struct db_value counts = db_column(r, 7);

	if (l == NULL)
		return err_nomem(e);
	h->loads = l;
	l += h->nloads++;
	*l = (struct run_load){ .batches = db_column(r, 2).i,
	    .seq = db_column(r, 3).i, .version = db_column(r, 4).i,
	    .ended = db_column(r, 5).i != 0, .taken = db_column(r, 6).i != 0 };
	if (copy_text(&l->target, db_column(r, 0), e) == -1 ||
	    copy_text(&l->stream, db_column(r, 1), e) == -1)
		return -1;
	if (counts.type != DB_TEXT)
		return 0;
	return add_counts(h, &l->counts, counts.p, counts.len, l->target, e);
}

static int
add_code(struct run_report *h, const struct db_rows *r, struct err *e)
{
	struct run_code *c = realloc(h->codes,
	    (h->ncodes + 1) * sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	h->codes = c;
	c += h->ncodes++;
	*c = (struct run_code){ .count = db_column(r, 2).i };
	return copy_text(&c->stage, db_column(r, 0), e) == -1 ? -1 :
	    copy_text(&c->code, db_column(r, 1), e);
}

/* Runs a query with one parameter, and calls add() for each row. */
static int
add_rows(struct run_report *h, struct db *db, enum sql_id sql,
    struct db_value v, int (*add)(struct run_report *h,
    const struct db_rows *r, struct err *e), struct err *e)
{
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, sql), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if (add(h, r, e) == -1) {
			rc = -1;
			break;
		}
	db_end(r);
	return rc;
}

/* Sets h->stages, the counts of each stage. Once the run has ended, the run's
 * row (table pipeline_runs) has them. If the run is still active or was killed,
 * the row has none; the counts of the run's loads are then added up. */
static int
set_stage_counts(struct run_report *h, struct err *e)
{
	const char *json = h->text[TEXT_STAGES];
	const struct run_counts *t;
	struct buf b;
	int rc = 0;

	if (json != NULL)
		return add_counts(h, &h->stages, json, strlen(json),
		    "the stages of its row", e);
	h->so_far = h->text[TEXT_COMPLETED] == NULL;
	buf_init(&b, SIZE_MAX / 4);
	for (size_t i = 0; rc == 0 && i < h->nloads; i++) {
		t = &h->loads[i].counts;
		buf_clear(&b);
		run_counts_put_json(&b, t);
		rc = buf_check(&b, e) == -1
		    ? -1
		    : add_counts(h, &h->stages, b.data,
		    b.len,
		    h->loads[i].target, e);
	}
	buf_release(&b);
	return rc;
}

/* `number` is that of the run's row. Fails with ERR_LIMIT if there is no such
 * row. */
static int
run_report_read(
    struct run_report *h, struct db *db, int64_t number, struct err *e)
{
	*h = (struct run_report){ .nloads = 0 };
	buf_init(&h->problems, SIZE_MAX / 4);
	if (read_run_row(h, db, number, e) == -1 ||
	    add_rows(h, db, SQL_STATUS_LOADS, db_text(h->text[TEXT_RUN]),
	    add_load, e) == -1 ||
	    add_rows(h, db, SQL_STATUS_CODES, DB_I(number), add_code, e) == -1)
		return -1;
	return set_stage_counts(h, e);
}

int
print_run_report(struct status *s, struct err *e)
{
	/* --run is the number of the run, the start of its uuid, or "last". */
	static const struct id_kind run = { SQL_STATUS_BY_NUMBER,
	    SQL_STATUS_BY_PREFIX, "0123456789abcdef-", "run", "runs" };
	struct run_report h;
	struct buf b;
	int64_t number = 0;
	int rc = -1;

	if ((strcmp(s->opts->run, "last") == 0 ?
	    find_last_run(s, &number, e) :
	    find_row_by_id(s->db, &run, s->opts->run, &number, e)) == -1)
		return -1;
	buf_init(&b, SIZE_MAX / 4);
	if (run_report_read(&h, s->db, number, e) == -1)
		goto out;
	run_report_check(&h);
	if (buf_check(&h.problems, e) == -1)
		goto out;
	if (s->opts->json)
		run_report_put_json(&b, &h);
	else
		run_report_put_text(&b, &h);
	rc = status_print(s, &b, e);
out:
	run_report_release(&h);
	buf_release(&b);
	return rc;
}
