#include "run.h"

#include <stdlib.h>
#include <string.h>

void
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

int
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
