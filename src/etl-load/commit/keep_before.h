/* --keep-before: stores images of the rows that each batch changes in the
 * control tables etl_before and etl_before_runs, in the transaction of the
 * batch. etl-load --undo reads them (undo/undo.h). --emit needs the images too,
 * but stores none. Each function does nothing if neither option is given. */
#ifndef LOAD_KEEP_BEFORE_H
#define LOAD_KEEP_BEFORE_H

#include "loader.h"

/* Called when the sink is open, before anything is read. Fails if images of the
 * table's rows cannot be kept. */
int keep_before_check(struct loader *l, struct err *e);
/* keep_before_start() is called in each transaction before the first record is
 * written, keep_before_store() after all rows are written. */
int keep_before_start(struct loader *l, struct err *e);
int keep_before_store(struct loader *l, struct err *e);
/* Called after the load: deletes the images of all but the last --keep-runs
 * runs. A failure is only a warning, because the load is committed. */
void keep_before_prune(struct loader *l);
/* Returns the name of the run for --undo: $ETL_RUN if it is set; otherwise the
 * id of the stream or, if the input is plain, a random id. */
const char *keep_before_get_run(const struct loader *l);

#endif
