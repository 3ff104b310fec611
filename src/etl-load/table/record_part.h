/* Reads only some values of a record, those of the key or of --scope. This is
 * possible also if the record is rejected because of other values. */
#ifndef LOAD_RECORD_PART_H
#define LOAD_RECORD_PART_H

#include "table/record.h"

/* Reads the record's values of these columns into r->json and r->value, where
 * they are valid until the next call. Ignores the rest of the record. Returns
 * 1; 0: the record lacks one of the values, or has one that no column can hold,
 * or has two members of this name without --duplicate-members last; -1 with
 * *e. */
int record_part_read(struct reader *r, const struct line *l,
    const struct shape *columns, struct err *e);
/* True if the value that was read for this column is null. */
bool record_part_is_null(const struct reader *r, size_t column);
bool record_part_has_null(const struct reader *r, const struct shape *columns);

#endif
