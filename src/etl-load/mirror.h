/* For --mode mirror: deletes the rows whose keys are not in the input, or marks
 * them as deleted (--soft-delete). For --mode scd2 with --missing close: ends
 * the validity of these rows. The functions do nothing in other modes.
 * Fails: ERR_LIMIT if more rows would be deleted than --max-deletes allows;
 *        ERR_DATA if a rejected record may belong to such a row, because its
 *        key cannot be read. */
#ifndef LOAD_MIRROR_H
#define LOAD_MIRROR_H

#include "loader.h"

/* Called before anything is read. Fails with ERR_CONFIG or ERR_DENIED if the
 * load may not delete rows of the table. */
int missing_rows_check(struct loader *l, struct err *e);
/* Called in the open transaction of a batch, before its first record is
 * written. From now on the sink notes the keys that come. */
int missing_rows_start(struct loader *l, struct err *e);
/* Called after the sink has applied a chunk to the table *t, and before the
 * reject lines of the chunk are made. Notes the keys of the chunk's records. */
int missing_rows_note(struct loader *l, struct loaded_table *t, struct err *e);
/* Called before the COMMIT. Counts the deleted rows as removed. Deletes the
 * rows, or fails if this is not safe. */
int missing_rows_delete(struct loader *l, struct err *e);

#endif
