/* The usual number of rows that the loads of a pipeline write to one table.
 * Gives: the median over the last 20 successful runs that have loaded the
 *        table. Inserted, updated and unchanged rows count. */
#ifndef CONTROL_USUAL_ROWS_H
#define CONTROL_USUAL_ROWS_H

#include "db/db.h"

enum { USUAL_RUNS_LEAST = 3, USUAL_RUNS_MOST = 20 };

struct usual_rows {
	size_t runs;            /* how many runs there were */
	double median;          /* the median of their rows; 0 without a run */
};

/* `target` is the name of the table in the ledger (column target of
 * etl_loads). */
int usual_rows_read(struct usual_rows *u, struct db *db, const char *pipeline,
    const char *target, struct err *e);

#endif
