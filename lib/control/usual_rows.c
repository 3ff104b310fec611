#include "control/usual_rows.h"

#include "control/run_counts.h"

#include <stdlib.h>
#include <string.h>

struct runs {
	int64_t id[USUAL_RUNS_MOST], rows[USUAL_RUNS_MOST];
	size_t n;
};

/* Adds the rows of one stream. A run may have loaded several streams; their
 * ledger rows come one after the other. */
static int
add_stream_rows(struct runs *r, int64_t id, const struct db_value *counts,
    struct err *e)
{
	static const enum run_count written[] = { COUNT_INSERTED,
	    COUNT_UPDATED, COUNT_UNCHANGED };
	struct run_counts t = { 0 };
	int rc = run_counts_add_json(&t, counts->p, counts->len, e);

	if (rc == 0 && (r->n == 0 || r->id[r->n - 1] != id)) {
		r->id[r->n] = id;
		r->rows[r->n++] = 0;
	}
	for (size_t i = 0; rc == 0 && i < 3; i++)
		r->rows[r->n - 1] += run_counts_sum(&t, written[i]);
	run_counts_release(&t);
	return rc;
}

static int
compare_rows(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double
compute_median(struct runs *r)
{
	size_t middle = r->n / 2;

	if (r->n == 0)
		return 0;
	qsort(r->rows, r->n, sizeof(r->rows[0]), compare_rows);
	return r->n % 2 == 1 ? (double)r->rows[middle] :
	    ((double)r->rows[middle - 1] + (double)r->rows[middle]) / 2;
}

int
usual_rows_read(struct usual_rows *u, struct db *db, const char *pipeline,
    const char *target, struct err *e)
{
	struct db_value v[] = { db_text(pipeline), db_text(target),
	    DB_I(USUAL_RUNS_MOST) };
	struct runs runs = { .n = 0 };
	struct db_rows *r;
	struct db_value counts;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_LEDGER_USUAL), v, 3, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		counts = db_column(r, 1);
		if (counts.type != DB_NULL && add_stream_rows(&runs,
		    db_column(r, 0).i, &counts, e) == -1) {
			rc = -1;
			break;
		}
	}
	db_end(r);
	*u = (struct usual_rows){ runs.n, compute_median(&runs) };
	return rc;
}
