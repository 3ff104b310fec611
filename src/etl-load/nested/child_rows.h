/* The rows that the elements of records give one table of --nested.
 * Gives: SINK_REPEAT as a sink does, also if a row has ended the transaction.
 *        If a row is refused, notes that its record must be rejected, sets
 *        l->nested->repeat and goes on. */
#ifndef LOAD_CHILD_ROWS_H
#define LOAD_CHILD_ROWS_H

#include "nested/nested.h"

/* Adds the elements of record `item` of the chunk, which is scanned in
 * l->nested->json. Writes rows when they are many. */
enum sink_result child_add_record(
    struct loader *l, struct child *c, size_t item, struct err *e);
/* Deletes the old rows of the records that were added since the last call, then
 * writes the rows of their elements. */
enum sink_result child_write_rows(
    struct loader *l, struct child *c, struct err *e);

#endif
