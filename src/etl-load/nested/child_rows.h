/* The rows of one table of --nested, made from the elements of the records.
 * Gives: SINK_REPEAT if the sink returns it, for example because a row has
 *        ended the transaction. If the table refuses a row, the functions note
 *        that its record must be rejected, set l->nested->repeat and
 *        continue. */
#ifndef LOAD_CHILD_ROWS_H
#define LOAD_CHILD_ROWS_H

#include "nested/nested.h"

/* Adds the elements of record `item` of the chunk, which was scanned into
 * l->nested->json. Calls child_flush() when many rows are waiting. */
enum sink_result child_add_record(struct loader *l, struct child *c,
    size_t item, struct err *e);
/* Deletes the old rows of the records that were added since the last call, then
 * writes the rows of their elements. */
enum sink_result child_flush(struct loader *l, struct child *c, struct err *e);

#endif
